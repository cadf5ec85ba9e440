-- Takes a callback of the provider: applies it to its call, or keeps it until its call is known.
--
-- KEYS  1 n:{tag}   2 call:{tag}:<request>
-- ARGV  1 policy  2 {tag}  3 request digest  4 status  5 stamp (unixtime in seconds)
--       6 '1' if delivered  7 '1' if it waives the start's quota
-- Returns  {'applied'} | {'unchanged'} | {'kept'}
--
-- The slot is the callback's own number's, so a callback for a foreign number finds no call.
-- It can mark a call and give a start's quota back. It touches no code, no guess, no state.

local number = load_number(KEYS[1])
local request = ARGV[3]
local report = {status = ARGV[4], stamp = ARGV[5], delivered = ARGV[6], waives = ARGV[7]}
local call = read_hash(KEYS[2])

if call.owner then
  local verification = load_verification(call.owner)
  if not verification or not apply(number, verification, report) then
    return {'unchanged'}
  end
  save_number(number)
  return {'applied'}
end

if not supersedes(call, report) then
  return {'unchanged'}
end

redis.call('HSET', KEYS[2], 'status', report.status, 'stamp', report.stamp,
           'delivered', report.delivered, 'waives', report.waives)
redis.call('PEXPIREAT', KEYS[2], text(NOW + POLICY.waiting_for))
number.waiting = without(number.waiting, request)
add(number.waiting, request)
if #number.waiting > POLICY.waiting then
  redis.call('DEL', call_key(table.remove(number.waiting, 1).name))
end

save_number(number)
match_lost(number)
return {redis.call('HEXISTS', KEYS[2], 'owner') == 1 and 'applied' or 'kept'}
