-- Records what the provider did with the call of a reserved verification.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 outcome: placed | unknown | failed
--       placed: 5 request digest  6 caller prefix or ''  7 caller length or ''
--       failed: 5 '1' to give the quota back  6 errorCode or ''  7 seconds to wait or ''
--               8… the reason in pieces
-- Returns  {'missing'}, or a view with 'recorded'.
--
-- Safe to repeat, and harmless where a callback was faster.

local verification = load_verification(ARGV[3])
if not verification then
  return {'missing'}
end

local number = load_number(KEYS[2])
local outcome = ARGV[4]

local function placed()
  local request = ARGV[5]
  redis.call('HSET', KEYS[1], 'prefix', ARGV[6], 'length', ARGV[7])
  if verification.call == 'placing' then
    redis.call('HSET', KEYS[1], 'call', 'placed')
  end
  number.open = without(number.open, verification.own)
  if not verification.bound and redis.call('HEXISTS', call_key(request), 'owner') == 0 then
    bind(number, verification, request)
  end
end

local function failed()
  redis.call('HSET', KEYS[1], 'call', 'failed', 'error', ARGV[6], 'pause', ARGV[7])
  set_pieces(KEYS[1], 'why', 8)
  number.open = without(number.open, verification.own)
  if state_of(verification) == 'pending' then
    finish(verification, 'failed')
  end
  if ARGV[5] == '1' then
    refund(lane_of(number, verification), verification)
  end
end

if outcome == 'placed' then
  placed()
elseif verification.call == 'placing' and outcome == 'failed' then
  failed()
elseif verification.call == 'placing' then
  redis.call('HSET', KEYS[1], 'call', 'unknown')
end

save_number(number)
match_lost(number)
return view('recorded', number, KEYS[1])
