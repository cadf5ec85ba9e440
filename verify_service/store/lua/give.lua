-- Gives back what a start took that came to nothing, or a part of it.
--
-- KEYS  1 t:{wide}:<start>   2… the keys it took from: c:{wide}:… and those of the limits
-- ARGV  1 policy  2 {wide}  3 the moment of taking  4 '1' for all that it took, '0' for a part
--       5… for each key from 2 on its limit's name, or 'conversion'
-- Returns  {'given' | 'missing'}
--
-- All of it is given once, however often this runs. A part is to be asked for once: where that is
-- lost, a start counts that never was, too much, and for no longer than the window.

-- This comes first: what a full server refuses is a script's first growing write, and nothing
-- that follows a deletion.
local found = ARGV[4] == '1' and redis.call('DEL', KEYS[1]) or redis.call('EXISTS', KEYS[1])
if found == 0 then
  return {'missing'}
end

local moment = tonumber(ARGV[3])
for i = 2, #KEYS do
  local key, limit = KEYS[i], ARGV[i + 3]
  if limit == 'conversion' then
    local buckets = load_conversion(key)
    count_started(buckets, moment, -1)
    save_conversion(key, buckets)
  else
    local counters = load_windows(key, POLICY.windows[limit])
    uncount_one(counters, moment)
    save_windows(key, counters)
  end
end
return {'given'}
