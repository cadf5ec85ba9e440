-- A wide limit: a counter for each of its windows, all in one key.
--
-- As text: "<span>=<buckets>;<span>=<buckets>". A window that is not configured here may be that of
-- another release running beside: it is kept as it is until its last event has left.

local function load_windows(key, windows)
  local kept = {}
  for span, line in string.gmatch(redis.call('GET', key) or '', '(%d+)=([^;]*)') do
    kept[span] = line
  end
  local counters, own = {others = {}}, {}
  for i, window in ipairs(windows) do
    local span = window[2]
    local size = bucket_size(span)
    counters[i] = {count = window[1], span = span, size = size,
                   buckets = read_buckets(kept[text(span)] or '', size, span)}
    own[text(span)] = true
  end
  for word, line in pairs(kept) do
    if not own[word] then
      local span = tonumber(word)
      local size = bucket_size(span)
      counters.others[#counters.others + 1] =
        {span = span, size = size, buckets = read_buckets(line, size, span)}
    end
  end
  return counters
end

local function save_windows(key, counters)
  local lines, longest = {}, 0
  for _, list in ipairs({counters, counters.others}) do
    for _, counter in ipairs(list) do
      local line = write_buckets(counter.buckets)
      if line ~= '' then
        lines[#lines + 1] = text(counter.span) .. '=' .. line
        longest = math.max(longest, counter.span + counter.size)
      end
    end
  end
  keep(key, table.concat(lines, ';'), longest)
end

-- Milliseconds until one more fits into every window; 0 where it does.
local function wait_for(counters)
  local wait = 0
  for _, counter in ipairs(counters) do
    local total = 0
    for _, bucket in ipairs(counter.buckets) do
      total = total + bucket.first
    end
    for _, bucket in ipairs(counter.buckets) do
      if total < counter.count then
        break
      end
      total = total - bucket.first
      wait = math.max(wait, leaves_at(bucket.number, counter.size, counter.span) - NOW)
    end
  end
  return wait
end

-- How many events a window has, and milliseconds until it has room for one more than it has now;
-- 0 where it is empty.
local function filling(counter)
  local used = 0
  for _, bucket in ipairs(counter.buckets) do
    used = used + bucket.first
  end
  local leaving = math.max(1, used - counter.count + 1)
  for _, bucket in ipairs(counter.buckets) do
    leaving = leaving - bucket.first
    if leaving <= 0 then
      return used, leaves_at(bucket.number, counter.size, counter.span) - NOW
    end
  end
  return used, 0
end

local function count_one(counters)
  for _, counter in ipairs(counters) do
    local bucket = bucket_at(counter.buckets, NOW, counter.size, true)
    bucket.first = bucket.first + 1
  end
end

local function uncount_one(counters, moment)
  for _, counter in ipairs(counters) do
    local bucket = bucket_at(counter.buckets, moment, counter.size, false)
    if bucket then
      bucket.first = math.max(0, bucket.first - 1)
    end
  end
end
