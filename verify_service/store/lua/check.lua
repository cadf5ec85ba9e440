-- Compares one guess, at most once, and consumes the code where it is right.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 app  5 nonce  6 1 if the guess came under an Idempotency-Key
--       7… digests that would be right
-- Returns  {'missing'}, or a view with 'right' | 'wrong' | 'ended' | 'barred' and, behind it,
--          1 for a repeat
--
--   uncompared   how many guesses under Idempotency-Keys met an end or a bar
--
-- Count first, compare after, consume in the same breath: whatever happens next, no guess is
-- free and no code is right twice. A second run with the same nonce returns the first's verdict.

local verification = load_verification(ARGV[3])
if not verification or verification.app ~= ARGV[4] then
  return {'missing'}
end

local number = load_number(KEYS[2])
local lane = lane_of(number, verification)
local try = 'try:' .. ARGV[5]

if verification[try] then
  return view(verification[try], number, KEYS[1], 1)
end
local over = state_of(verification) ~= 'pending'
if over or guess_limit(lane) ~= '' then
  if ARGV[6] == '1' then
    redis.call('HINCRBY', KEYS[1], 'uncompared', 1)
  end
  return view(over and 'ended' or 'barred', number, KEYS[1], 0)
end

local left = redis.call('HINCRBY', KEYS[1], 'left', -1)
lane.run = lane.run + 1
add(lane.failures, '')

local verdict = 'wrong'
for i = 7, #ARGV do
  if ARGV[i] == verification.digest then
    verdict = 'right'
  end
end

if verdict == 'right' then
  -- Not a failure after all.
  table.remove(lane.failures)
  approve(lane)
  if verification.device then
    remember(number, verification.device)
  end
  finish(verification, 'approved')
elseif left <= 0 then
  finish(verification, 'exhausted')
end

redis.call('HSET', KEYS[1], try, verdict)
save_number(number)
return view(verdict, number, KEYS[1], 0)
