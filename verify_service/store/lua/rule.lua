-- Sets the operator's rule for a prefix, or takes away whatever holds for it.
--
-- KEYS  1 r:{wide}
-- ARGV  1 policy  2 {wide}  3 prefix  4 block | allow | none  5 ms it is to last
-- Returns  {how many entries were there before}

local rule, guards = 'rule ' .. ARGV[3], 'conversion ' .. ARGV[3]
local before = redis.call('HEXISTS', KEYS[1], rule) + redis.call('HEXISTS', KEYS[1], guards)
if ARGV[4] == 'none' then
  redis.call('HDEL', KEYS[1], rule, guards)
else
  write_rule(KEYS[1], rule, ARGV[4], NOW + tonumber(ARGV[5]), 0)
end
return {before}
