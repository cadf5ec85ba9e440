-- Takes what a call says of the provider.
--
-- KEYS  1 b:{wide}   2 b:{wide}:<token>
-- ARGV  1 policy  2 {wide}  3 token of the start whose call it was  4 good | bad | nothing
--       5 how many failures in a row pause calls  6 for how long (ms)  7 at most (ms)
--       8 how long all of it is remembered (ms)  9 how long a report may come again (ms)
-- Returns  {'opened', milliseconds} | {'closed', '0'} | {'unchanged', '0'}
--
-- While calls are paused, the probe alone is heard: what was in flight already, and a probe that
-- was given up, say nothing of how the provider is now.
--
-- Safe to repeat: what the first run answered is kept under the token, and told again.

local told = redis.call('HMGET', KEYS[2], 'change', 'pause')
if told[1] then
  return told
end

local found = redis.call('HMGET', KEYS[1], 'failures', 'until', 'probe')
local failures, moment = tonumber(found[1]) or 0, tonumber(found[2])
local token, sign, enough = ARGV[3], ARGV[4], tonumber(ARGV[5])
local probe = moment and found[3] == token

local function keep(...)
  redis.call('HSET', KEYS[1], ...)
  redis.call('HDEL', KEYS[1], 'probe')
  redis.call('PEXPIREAT', KEYS[1], text(math.max(NOW, moment or 0) + ARGV[8]))
end

local function answer(change, pause)
  redis.call('HSET', KEYS[2], 'change', change, 'pause', text(pause))
  redis.call('PEXPIREAT', KEYS[2], text(NOW + ARGV[9]))
  return {change, text(pause)}
end

if moment and not probe then
  return answer('unchanged', 0)
end

if sign == 'good' then
  redis.call('DEL', KEYS[1])
  return answer(probe and 'closed' or 'unchanged', 0)
end

if sign == 'nothing' then
  if probe then
    moment = NOW
    keep('until', text(NOW))
  end
  return answer('unchanged', 0)
end

failures = failures + 1
if failures < enough then
  keep('failures', failures)
  return answer('unchanged', 0)
end
-- Twice as long after each probe that failed too.
local pause = math.min(ARGV[6] * 2 ^ math.min(failures - enough, 30), tonumber(ARGV[7]))
moment = NOW + pause
keep('failures', failures, 'until', text(moment))
return answer('opened', pause)
