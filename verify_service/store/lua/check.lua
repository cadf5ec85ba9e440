-- Compares one guess, at most once, and consumes the code where it is right.
--
-- KEYS  1 v:{tag}:<key>   2 n:{tag}
-- ARGV  1 policy  2 app  3 nonce (at most 22 characters)  4… digests that would be right
-- Returns  {'missing'}, or a view with 'right' | 'wrong' | 'ended' | 'barred'.
--
-- Count first, compare after, consume in the same breath: whatever happens next, no guess is
-- free and no code is right twice. A second run with the same nonce returns the first's verdict.

local verification = load_verification(KEYS[1])
if not verification or verification.app ~= ARGV[2] then
  return {'missing'}
end

local number = load_number(KEYS[2])

local told = verification['try:' .. ARGV[3]]
if told then
  return view(told, number, KEYS[1])
end
if state_of(verification) ~= 'pending' then
  return view('ended', number, KEYS[1])
end
if guess_limit(number) ~= '' then
  return view('barred', number, KEYS[1])
end

local run, failed = number.run, number.failed
local left = redis.call('HINCRBY', KEYS[1], 'left', -1)
number.run, number.failed = run + 1, NOW
number.failures[#number.failures + 1] = {at = NOW, key = ''}

local verdict = 'wrong'
for i = 4, #ARGV do
  if ARGV[i] == verification.digest then
    verdict = 'right'
  end
end

if verdict == 'right' then
  -- Not a failure after all. The day's other failures stay: they may have been a stranger's.
  number.failures[#number.failures] = nil
  number.run, number.failed = 0, failed
  number.reset, number.cooldown = NOW, 0
  finish(KEYS[1], 'approved')
elseif left <= 0 then
  finish(KEYS[1], 'exhausted')
end

redis.call('HSET', KEYS[1], 'try:' .. ARGV[3], verdict)
save_number(number)
return view(verdict, number, KEYS[1])
