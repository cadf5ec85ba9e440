-- Undoes a reservation whose call another limit refused.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own
-- Returns  {'undone' | 'missing'}

local verification = load_verification(ARGV[3])
if not verification or verification.call ~= 'placing' then
  return {'missing'}
end
local number = load_number(KEYS[2])
refund(lane_of(number, verification), verification)
number.open = without(number.open, verification.own)
redis.call('DEL', KEYS[1])
save_number(number)
return {'undone'}
