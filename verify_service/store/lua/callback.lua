-- Takes a callback of the provider: applies it to its call, or keeps it until its call is known.
--
-- KEYS  1 n:{tag}   2 call:{tag}:<request digest>
-- ARGV  1 policy  2 {tag}  3 request digest  4 status  5 stamp (unixtime in seconds)
--       6 '1' if delivered  7 '1' if it waives the start's quota
-- Returns  {'applied'} | {'unchanged'} | {'kept'}
--
-- The slot is the callback's own number's, so a callback for a foreign number finds no call.
-- It can mark a call and give a start's quota back. It touches no code, no guess, no state.

local number = load_number(KEYS[1])
local report = {status = ARGV[4], stamp = ARGV[5], delivered = ARGV[6], waives = ARGV[7]}
local call = read_hash(KEYS[2])

if call.owner then
  local key = call.owner
  local verification_key = 'v:' .. ARGV[2] .. ':' .. key
  if not load_verification(verification_key) or not apply(number, key, verification_key, report)
  then
    return {'unchanged'}
  end
  save_number(number)
  return {'applied'}
end

if not supersedes(call, report) then
  return {'unchanged'}
end
redis.call('HSET', KEYS[2], 'status', ARGV[4], 'stamp', ARGV[5], 'delivered', ARGV[6],
           'waives', ARGV[7])
redis.call('PEXPIREAT', KEYS[2], text(NOW + POLICY.waiting_for))
number.waiting = without(number.waiting, ARGV[3])
number.waiting[#number.waiting + 1] = {at = NOW, key = ARGV[3]}
if #number.waiting > POLICY.waiting then
  redis.call('DEL', 'call:' .. ARGV[2] .. ':' .. number.waiting[1].key)
  table.remove(number.waiting, 1)
end

save_number(number)
settle(number, ARGV[2])
return {redis.call('HEXISTS', KEYS[2], 'owner') == 1 and 'applied' or 'kept'}
