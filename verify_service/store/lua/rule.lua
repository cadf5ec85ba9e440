-- Sets the operator's rule for a prefix, or ends whatever holds for a place.
--
-- KEYS  1 r:{wide}
-- ARGV  1 policy  2 {wide}  3 prefix, country or alarm  4 block | allow | none  5 ms it is to last
-- Returns  {how many entries held until now}

local fields = {'rule ' .. ARGV[3], 'conversion ' .. ARGV[3], 'alarm ' .. ARGV[3]}
local holding = 0
for _, line in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  holding = holding + (read_rule(line).till > NOW and 1 or 0)
end
if ARGV[4] == 'none' then
  redis.call('HDEL', KEYS[1], unpack(fields))
else
  write_rule(KEYS[1], fields[1], ARGV[4], NOW + tonumber(ARGV[5]), 0, 0, 0)
end
return {holding}
