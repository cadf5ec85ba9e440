-- Counting in fixed memory: a window is cut into equal buckets, and only how many events fell into
-- each is kept. An event leaves the window when the youngest its bucket could hold has: so there
-- are never more in any window than counted, and one may wait a 24th of the window longer.
--
-- As text, oldest first: "<bucket>.<count>.<count> …"; a bucket is known by its number since 1970.

local PIECES = 24

local function bucket_size(span)
  return math.ceil(span / PIECES)
end

-- When nothing of the bucket is inside the window any more.
local function leaves_at(bucket, size, span)
  return (bucket + 1) * size + span
end

local function read_buckets(line, size, span)
  local buckets = {}
  for number, first, second in string.gmatch(line, '(%d+)%.(%d+)%.?(%d*)') do
    local bucket = {number = tonumber(number), first = tonumber(first),
                    second = tonumber(second) or 0}
    if leaves_at(bucket.number, size, span) > NOW then
      buckets[#buckets + 1] = bucket
    end
  end
  return buckets
end

local function write_buckets(buckets)
  local words = {}
  for _, bucket in ipairs(buckets) do
    if bucket.first > 0 or bucket.second > 0 then
      local second = bucket.second > 0 and '.' .. text(bucket.second) or ''
      words[#words + 1] = text(bucket.number) .. '.' .. text(bucket.first) .. second
    end
  end
  return table.concat(words, ' ')
end

-- The bucket that a moment falls into, or nil where there is none; made where it is the newest.
local function bucket_at(buckets, moment, size, make)
  local number = math.floor(moment / size)
  for _, bucket in ipairs(buckets) do
    if bucket.number == number then
      return bucket
    end
  end
  if not make then
    return nil
  end
  local bucket = {number = number, first = 0, second = 0}
  local place = #buckets + 1
  while place > 1 and buckets[place - 1].number > number do
    place = place - 1
  end
  table.insert(buckets, place, bucket)
  return bucket
end

local function keep(key, line, milliseconds)
  if line == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, line, 'PXAT', text(NOW + milliseconds))
  end
end
