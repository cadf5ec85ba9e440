-- Undoes a reservation whose call another limit refused, or could not be asked about.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 nonce of whoever reserved, or ''
-- Returns  {'undone' | 'missing'}
--
-- Safe to repeat. Under another nonce it is somebody else's by now, who has the phone rung.

local verification = load_verification(ARGV[3])
if not verification or verification.call ~= 'placing' or (verification.by or '') ~= ARGV[4] then
  return {'missing'}
end
local number = load_number(KEYS[2])
refund(lane_of(number, verification), verification)
number.open = without(number.open, verification.own)
-- Deleted before anything is written: so a full server does it too (give.lua).
redis.call('DEL', KEYS[1])
save_number(number)
return {'undone'}
