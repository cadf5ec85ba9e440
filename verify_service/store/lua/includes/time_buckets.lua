-- Counts events over moving windows in bounded memory: several series in one object.
--
-- The window of a series is divided into POLICY.buckets buckets. An event expires when the end of its
-- bucket leaves the window: no event is forgotten early, and one may count for a bucket longer.
--
-- A series, by its name, which begins with its span in milliseconds:
--   at       number of the current bucket since 1970
--   open     events in it
--   before   events in the closed buckets; missing: none
--   closed   their counts as JSON text, the newest first; missing: none. Most decisions need only the
--            sum: with 48 full buckets, reading and writing a limit takes 3 µs instead of 11
--
-- A series of another release, with another span, is kept until its last event expires.
--
-- A group describes the series of a key: {names; size: by name, the milliseconds of one bucket;
-- longest: the largest size}. Python writes it (store/policy.py). A series that only some decisions
-- read has a size and is not in `names`.
--
-- Counts are {key, group, series: by name, stepped_back: whether the clock stepped back}.

--- @include "json"

local BUCKETS = POLICY.buckets

local time_buckets = {}

local function read_closed(series)
  return series.closed and cjson.decode(series.closed) or {}
end

local function write_closed(series, closed)
  local sum, oldest = 0, 0
  for age = 1, BUCKETS do
    local events = closed[age] or 0
    if events > 0 then
      sum, oldest = sum + events, age
    end
  end
  for age = oldest + 1, BUCKETS do
    closed[age] = nil
  end
  series.before = sum > 0 and sum or nil
  series.closed = sum > 0 and cjson.encode(closed) or nil
end

-- Moves a series on to the current bucket. If the clock stepped back, the newest bucket becomes the
-- current one, and the older ones move with it: no event counts for less than its window, and none
-- until the clock has caught up.
function time_buckets.move_on(counts, name, now)
  local series = counts.series[name]
  local current = math.floor(now / counts.group.size[name])
  if not series then
    counts.series[name] = {at = current, open = 0}
  elseif current > series.at then
    local passed, old, closed = current - series.at, read_closed(series), {}
    for age = 1, BUCKETS do
      closed[age] = age == passed and series.open or old[age - passed] or 0
    end
    series.at, series.open = current, 0
    write_closed(series, closed)
  elseif series.at > current then
    series.at, counts.stepped_back = current, true
  end
end

-- Returns the counts in the text of a key, or empty ones without a text, moved on to now.
function time_buckets.parse(key, text, group, now)
  local counts = {key = key, group = group, series = text and cjson.decode(text) or {}}
  for _, name in ipairs(group.names) do
    time_buckets.move_on(counts, name, now)
  end
  return counts
end

function time_buckets.total(counts, name)
  local series = counts.series[name]
  return series.open + (series.before or 0)
end

-- Adds events to the bucket of a moment in a series, unless that bucket has left the window.
function time_buckets.add(counts, name, moment, events)
  local series = counts.series[name]
  local age = series.at - math.floor(moment / counts.group.size[name])
  if age <= 0 then
    series.open = math.max(0, series.open + events)
  elseif age <= BUCKETS then
    local closed = read_closed(series)
    for younger = 1, age do
      closed[younger] = closed[younger] or 0
    end
    closed[age] = math.max(0, closed[age] + events)
    write_closed(series, closed)
  end
end

-- Writes the series, without expired ones: those of other releases, and those that only some decisions
-- move on. The key expires with the last event.
function time_buckets.save(counts, now)
  local longest = counts.group.longest
  for name, series in pairs(counts.series) do
    local size = counts.group.size[name]
    if not size then
      local span = string.match(name, '^%d+')
      size = span and math.ceil(tonumber(span) / BUCKETS)
    end
    if size then
      if (series.at + BUCKETS + 1) * size <= now then
        counts.series[name] = nil
      else
        longest = math.max(longest, size)
      end
    end
  end
  json.write(counts.key, counts.series, now + (BUCKETS + 1) * longest)
end

-- Returns the events in the bucket of a moment.
function time_buckets.count_at(counts, name, moment)
  local series = counts.series[name]
  local age = series.at - math.floor(moment / counts.group.size[name])
  return age <= 0 and series.open or read_closed(series)[age] or 0
end

-- Returns the events in buckets that ended at least `age` milliseconds ago.
function time_buckets.older(counts, name, age, now)
  local series, size, total = counts.series[name], counts.group.size[name], 0
  for back, events in ipairs(read_closed(series)) do
    if (series.at - back + 1) * size + age <= now then
      total = total + events
    end
  end
  return total
end

-- Milliseconds until the window has fewer events than `limit`; 0 if it has.
function time_buckets.wait(counts, name, limit, now)
  local left = time_buckets.total(counts, name)
  if left < limit then
    return 0
  end
  local series, size = counts.series[name], counts.group.size[name]
  local closed = read_closed(series)
  for age = #closed, 0, -1 do
    left = left - (age == 0 and series.open or closed[age])
    if left < limit then
      local leaves_at = (series.at - age + BUCKETS + 1) * size
      return leaves_at - now
    end
  end
  return 0
end

return time_buckets
