-- The breaker as a start meets it: whether calls are paused, since the provider fails.
--
-- b:{wide}, a hash
--   failures   in a row: every process' calls, and then the probes
--   until      while there: calls are paused; from this moment on one start is let through
--   probe      the own name of the last start that was
--
-- Taking the probe moves the moment on, so that nobody else takes it; should whoever took it die,
-- the next one may try after that. A run of failures, or a pause that nobody asks about any more,
-- is forgotten after a while.

local function read_gate(key)
  local found = redis.call('HMGET', key, 'failures', 'until', 'probe')
  return {key = key, failures = tonumber(found[1]) or 0, moment = tonumber(found[2]),
          probe = found[3]}
end

-- How long a start has to wait (ms); 0 where it may go ahead, be it as the probe.
local function suspended_for(gate)
  return math.max(0, (gate.moment or 0) - NOW)
end

-- Lets a start through that need not wait. Returns 'probe' where it is the only one, else 'closed'.
local function pass(gate, own)
  if not gate.moment then
    return 'closed'
  end
  local given_up = NOW + POLICY.breaker.probing
  redis.call('HSET', gate.key, 'until', text(given_up), 'probe', own)
  redis.call('PEXPIREAT', gate.key, text(given_up + POLICY.breaker.remembered))
  return 'probe'
end
