-- Records what the provider did with the call of a reserved verification.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 outcome: placed | unknown | failed
--       5 request digest or ''  6 caller prefix or ''  7 caller length or ''
--       8 '1' to give the quota back  9 '1' if the provider holds the number for none
-- Returns  {'missing'}, or a view with 'recorded'.
--
-- Safe to repeat, and harmless where a callback was faster.

local verification = load_verification(ARGV[3])
if not verification then
  return {'missing'}
end

local number = load_number(KEYS[2])
local outcome, request = ARGV[4], ARGV[5]

local function placed()
  redis.call('HSET', KEYS[1], 'prefix', ARGV[6], 'length', ARGV[7])
  if verification.call == 'placing' then
    redis.call('HSET', KEYS[1], 'call', 'placed')
  end
  number.open = without(number.open, verification.own)
  if not verification.bound and redis.call('HEXISTS', call_key(request), 'owner') == 0 then
    claim(number, verification, request)
  end
end

local function failed()
  redis.call('HSET', KEYS[1], 'call', 'failed', 'invalid', ARGV[9])
  number.open = without(number.open, verification.own)
  if state_of(verification) == 'pending' then
    finish(verification, 'failed')
  end
  if ARGV[8] == '1' then
    refund(number, verification.own)
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
settle(number)
return view('recorded', number, KEYS[1])
