-- A limit over many numbers, of one scope: its windows are series of one key.

--- @include "time_buckets"

local wide_limits = {}

-- Returns the counts of a limit, given the text of its key, moved on to now.
function wide_limits.parse(key, text, limit, now)
  return time_buckets.parse(key, text, POLICY.series[limit], now)
end

-- Milliseconds until every window has room; 0 if it has.
function wide_limits.wait(counts, limit, now)
  local wait = 0
  for _, window in ipairs(POLICY.windows[limit]) do
    wait = math.max(wait, time_buckets.wait(counts, window.series, window.count, now))
  end
  return wait
end

-- Returns for each window its events, and the milliseconds until it has room for one more than now; 0
-- if it is empty.
function wide_limits.usage(counts, limit, now)
  local usage = {}
  for i, window in ipairs(POLICY.windows[limit]) do
    local used = time_buckets.total(counts, window.series)
    local next_count = math.max(1, math.min(used, window.count))
    usage[i] = {used = used, wait = time_buckets.wait(counts, window.series, next_count, now)}
  end
  return usage
end

-- Counts a start in every window, and writes the counts.
function wide_limits.count(counts, now)
  for _, name in ipairs(counts.group.names) do
    time_buckets.add(counts, name, now, 1)
  end
  time_buckets.save(counts, now)
end

-- Removes the start of a moment, whose call was not placed, from every window, and writes the counts;
-- unless a window has given back as many starts as it permits.
function wide_limits.give_back(counts, limit, moment, now)
  for _, window in ipairs(POLICY.windows[limit]) do
    time_buckets.move_on(counts, window.given_back, now)
    if time_buckets.total(counts, window.given_back) >= window.count then
      return
    end
  end
  for _, window in ipairs(POLICY.windows[limit]) do
    time_buckets.add(counts, window.series, moment, -1)
    time_buckets.add(counts, window.given_back, now, 1)
  end
  time_buckets.save(counts, now)
end

return wide_limits
