-- Takes what a call says of the provider.
--
-- KEYS  1 b:{wide}   2 b:{wide}:<own>
-- ARGV  1 policy  2 {wide}  3 own name of the start whose call it was  4 good | bad | nothing
-- Returns  {notice}, as wide.lua has them: 'opened' or 'closed', 'breaker', '', for how long (ms);
--          or {{}} where nothing changed
--
-- While calls are paused, the probe alone is heard: what was in flight already, and a probe that
-- was given up, say nothing of how the provider is now.
--
-- Safe to repeat: what the first run answered is kept under the start's name, and told again.

local own, sign, rules = ARGV[3], ARGV[4], POLICY.breaker

local function notice(change, pause)
  return {change == 'unchanged' and {} or {change, 'breaker', '', pause}}
end

local told = redis.call('HMGET', KEYS[2], 'change', 'pause')
if told[1] then
  return notice(told[1], told[2])
end

local gate = read_gate(KEYS[1])
local failures, moment = gate.failures, gate.moment
local probe = moment and gate.probe == own

local function keep(...)
  redis.call('HSET', KEYS[1], ...)
  redis.call('HDEL', KEYS[1], 'probe')
  redis.call('PEXPIREAT', KEYS[1], text(math.max(NOW, moment or 0) + rules.remembered))
end

local function answer(change, pause)
  redis.call('HSET', KEYS[2], 'change', change, 'pause', text(pause))
  redis.call('PEXPIREAT', KEYS[2], text(NOW + rules.reported))
  return notice(change, text(pause))
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
if failures < rules.failures then
  keep('failures', failures)
  return answer('unchanged', 0)
end
-- Twice as long after each probe that failed too.
local pause = math.min(rules.pause * 2 ^ math.min(failures - rules.failures, 30), rules.longest)
moment = NOW + pause
keep('failures', failures, 'until', text(moment))
return answer('opened', pause)
