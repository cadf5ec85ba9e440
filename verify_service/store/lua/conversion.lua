-- The conversion guard: how many of those who were called get in, by prefix and by country.
--
-- As text: "<span>=<buckets>", in each who started and who was approved, both by the moment of the
-- start. A start younger than the code's TTL may still be approved, so it says nothing yet. What was
-- counted with another TTL is forgotten: its buckets have another size.

local SPAN = POLICY.conversion_span + POLICY.settled
local SIZE = bucket_size(SPAN)

local function load_conversion(key)
  local span, line = string.match(redis.call('GET', key) or '', '(%d+)=(.*)')
  return read_buckets(span == text(SPAN) and line or '', SIZE, SPAN)
end

local function save_conversion(key, buckets)
  local line = write_buckets(buckets)
  keep(key, line == '' and '' or text(SPAN) .. '=' .. line, SPAN + SIZE)
end

local function count_started(buckets, moment, by)
  local bucket = bucket_at(buckets, moment, SIZE, by > 0)
  if bucket then
    bucket.first = math.max(0, bucket.first + by)
  end
end

-- Returns whether too few got in, and what that goes by: how many started, how many were approved.
local function is_poor(buckets, limit)
  local started, approved = 0, 0
  for _, bucket in ipairs(buckets) do
    if (bucket.number + 1) * SIZE + POLICY.settled <= NOW then
      started = started + bucket.first
      approved = approved + bucket.second
    end
  end
  local poor = started >= limit.least and approved < limit.share * started
  return poor, started, approved
end
