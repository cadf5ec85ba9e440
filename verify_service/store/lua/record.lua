-- Records what the provider did with the call of a reserved verification.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 outcome: placed | unknown | failed
--       5 the moment of taking from the wide limits, by the clock of their server, or ''
--       placed: 6 request digest  7 caller prefix or ''  8 caller length or ''
--       failed: 6 '1' to give the quota back  7 errorCode or ''  8 seconds to wait or ''
--               9… the reason in pieces
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
  local request = ARGV[6]
  redis.call('HSET', KEYS[1], 'prefix', ARGV[7], 'length', ARGV[8])
  if verification.call == 'placing' then
    redis.call('HSET', KEYS[1], 'call', 'placed')
  end
  number.open = without(number.open, verification.own)
  if not verification.bound and redis.call('HEXISTS', call_key(request), 'owner') == 0 then
    bind(number, verification, request)
  end
end

local function failed()
  redis.call('HSET', KEYS[1], 'call', 'failed', 'error', ARGV[7], 'pause', ARGV[8])
  set_pieces(KEYS[1], 'why', 9)
  number.open = without(number.open, verification.own)
  if state_of(verification) == 'pending' then
    finish(verification, 'failed')
  end
  if ARGV[6] == '1' then
    refund(lane_of(number, verification), verification)
  end
end

if ARGV[5] ~= '' and ARGV[5] ~= verification.created then
  redis.call('HSET', KEYS[1], 'skew', text(ARGV[5] - verification.created))
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
