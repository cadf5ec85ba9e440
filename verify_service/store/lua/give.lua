-- Gives back what a start took that came to nothing.
--
-- KEYS  the keys it took from: c:{wide}:… and those of the limits
-- ARGV  1 policy  2 {wide}  3 the moment of taking  4… for each key its limit's name,
--       or 'conversion'
-- Returns  {'given'}
--
-- To be run once. Where it is lost, a start counts that never was: too much, and for no longer
-- than the window.

local moment = tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
  local limit = ARGV[i + 3]
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
