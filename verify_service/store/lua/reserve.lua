-- Reserves a verification before anybody is called, or refuses by the limits of its device's lane.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 app  5 number (E.164)  6 code digest
--       7 nonce of whoever reserves, or ''  8 device digest, or ''  9 '1' for a test number, or ''
--       10… reference in pieces
-- Returns  {'refused', limit, wait in ms, '1' if the lane is a known device's, else '0'}, or a
--          view with 'reserved' and, behind it, which limits would have refused it; or with
--          'again' | 'taken'. The view's hash has 'known' where the lane is a known device's.
--
-- Safe to repeat: under the same nonce a second run finds the first's work, and says 'again'. Under
-- another it is somebody else's, who has the phone rung.

local number = load_number(KEYS[2])
local own, device = ARGV[3], ARGV[8]

local earlier = load_verification(own)
if earlier then
  return view((earlier.by or '') == ARGV[7] and 'again' or 'taken', number, KEYS[1])
end

match_lost(number)

local lane = lane_for(number, device)
local limit, wait, dry = start_limit(lane)
if limit ~= '' then
  return {'refused', limit, wait, lane.device ~= '' and '1' or '0'}
end

count_start(lane, own)
add(number.open, own)

local expires = NOW + POLICY.ttl
redis.call('HSET', KEYS[1],
  'app', ARGV[4], 'number', ARGV[5], 'digest', ARGV[6],
  'state', 'pending', 'left', POLICY.checks, 'created', text(NOW), 'expires', text(expires),
  'call', 'placing')
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'by', ARGV[7])
end
if device ~= '' then
  redis.call('HSET', KEYS[1], 'device', device)
end
if lane.device ~= '' then
  redis.call('HSET', KEYS[1], 'known', '1')
end
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[1], 'test', '1')
end
set_pieces(KEYS[1], 'ref', 10)
redis.call('PEXPIREAT', KEYS[1], text(expires + POLICY.readable))
save_number(number)

return view('reserved', number, KEYS[1], dry)
