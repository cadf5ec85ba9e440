-- Records what the provider did with the call of a reserved verification.
--
-- KEYS  1 v:{tag}:<key>   2 n:{tag}   3 call:{tag}:<request digest> (of '' where there is none)
-- ARGV  1 policy  2 {tag}  3 key  4 outcome: placed | unknown | failed
--       5 request digest or ''  6 caller prefix or ''  7 caller length or ''
--       8 '1' to give the quota back  9 '1' where no other call can go out either
-- Returns  {'missing'}, or a view with 'recorded'.
--
-- Safe to repeat, and harmless where a callback was faster.

local verification = load_verification(KEYS[1])
if not verification then
  return {'missing'}
end

local number = load_number(KEYS[2])
local outcome = ARGV[4]

if outcome == 'placed' then
  redis.call('HSET', KEYS[1], 'prefix', ARGV[6], 'length', ARGV[7])
  if verification.call == 'placing' then
    redis.call('HSET', KEYS[1], 'call', 'placed')
  end
  number.open = without(number.open, ARGV[3])
  local waiting = read_hash(KEYS[3])
  if not verification.bound and not waiting.owner then
    claim(number, KEYS[3], ARGV[5], ARGV[3], KEYS[1])
    if waiting.status then
      apply(number, ARGV[3], KEYS[1], waiting)
    end
  end
elseif verification.call == 'placing' then
  redis.call('HSET', KEYS[1], 'call', outcome)
  if outcome == 'failed' then
    number.open = without(number.open, ARGV[3])
    redis.call('HSET', KEYS[1], 'hopeless', ARGV[9])
    if state_of(verification) == 'pending' then
      finish(KEYS[1], 'failed')
    end
    if ARGV[8] == '1' then
      refund(number, ARGV[3])
    end
  end
end

save_number(number)
settle(number, ARGV[2])
return view('recorded', number, KEYS[1])
