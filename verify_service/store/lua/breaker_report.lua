-- Takes what a call says of the provider.
--
-- KEYS  1 b:{wide}
-- ARGV  1 policy  2 {wide}  3 good | bad | nothing  4 '1' for a probe
--       5 how many failures in a row pause calls  6 for how long (ms)  7 at most (ms)
--       8 how long all of it is remembered (ms)
-- Returns  {'opened', milliseconds} | {'closed'} | {'unchanged'}
--
-- While calls are paused, those that were in flight already say nothing new by failing.

local found = redis.call('HMGET', KEYS[1], 'failures', 'until')
local failures, moment = tonumber(found[1]) or 0, tonumber(found[2])
local sign, probe, enough = ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])

local function keep(...)
  redis.call('HSET', KEYS[1], ...)
  redis.call('PEXPIREAT', KEYS[1], text(math.max(NOW, moment or 0) + ARGV[8]))
end

if sign == 'good' then
  redis.call('DEL', KEYS[1])
  return {moment and 'closed' or 'unchanged'}
end

if sign == 'nothing' then
  if probe and moment then
    moment = NOW
    keep('until', text(NOW))
  end
  return {'unchanged'}
end

if moment and not probe then
  return {'unchanged'}
end

failures = failures + 1
if failures < enough then
  keep('failures', failures)
  return {'unchanged'}
end
-- Twice as long after each probe that failed too.
local pause = math.min(ARGV[6] * 2 ^ math.min(failures - enough, 30), tonumber(ARGV[7]))
moment = NOW + pause
keep('failures', failures, 'until', text(moment))
return {'opened', pause}
