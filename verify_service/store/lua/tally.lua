-- Takes what came of checks: approvals for the conversion guard, failures for the alarm over all
-- numbers.
--
-- KEYS  1 r:{wide}   2 f:{wide}   3… c:{wide}:<place>
-- ARGV  1 policy  2 {wide}  3 wrong guesses  4 right ones
--       5… for each key from 3 on: moment of the start, approvals
-- Policy  wrong: {least, share, span}
-- Returns  {notices}

local RULE = 'alarm failureRate'
local SPAN_OF_ALARM = POLICY.wrong.span
local SIZE_OF_ALARM = bucket_size(SPAN_OF_ALARM)

for i = 3, #KEYS do
  local buckets = load_conversion(KEYS[i])
  -- Where its start is forgotten already, its approval says nothing.
  local bucket = bucket_at(buckets, tonumber(ARGV[2 * i - 1]), SIZE, false)
  if bucket then
    bucket.second = bucket.second + tonumber(ARGV[2 * i])
    save_conversion(KEYS[i], buckets)
  end
end

local guesses = read_buckets(redis.call('GET', KEYS[2]) or '', SIZE_OF_ALARM, SPAN_OF_ALARM)
local now = bucket_at(guesses, NOW, SIZE_OF_ALARM, true)
now.first, now.second = now.first + tonumber(ARGV[3]), now.second + tonumber(ARGV[4])
keep(KEYS[2], write_buckets(guesses), SPAN_OF_ALARM + SIZE_OF_ALARM)

local wrong, right = 0, 0
for _, bucket in ipairs(guesses) do
  wrong, right = wrong + bucket.first, right + bucket.second
end
local raised = read_rule(redis.call('HGET', KEYS[1], RULE) or '')
if raised.till <= NOW and wrong >= POLICY.wrong.least
    and wrong > POLICY.wrong.share * (wrong + right) then
  write_rule(KEYS[1], RULE, 'alarm', NOW + POLICY.alarm_pause, 0, wrong + right, wrong)
  return {{'alarm', 'failureRate', '', 0}}
end
return {{}}
