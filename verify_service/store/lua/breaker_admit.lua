-- Says whether calls may be placed, and lets a single probe through where they may not.
--
-- KEYS  1 b:{wide}
-- ARGV  1 policy  2 {wide}  3 how long a probe can take (ms)
-- Returns  {'closed', failures in a row} | {'probe', failures} | {'open', milliseconds to wait}
--
--   failures   in a row: every process' calls, and then the probes
--   until      while there: calls are paused; from this moment on one start is let through
--
-- Taking the probe moves the moment on, so that nobody else takes it; should whoever took it die,
-- the next one may try after that. A run of failures, or a pause that nobody asks about any more,
-- is forgotten after a while (breaker_report.lua).

local found = redis.call('HMGET', KEYS[1], 'failures', 'until')
local failures, moment = tonumber(found[1]) or 0, tonumber(found[2])

if not moment then
  return {'closed', failures}
end
if NOW < moment then
  return {'open', moment - NOW}
end
redis.call('HSET', KEYS[1], 'until', text(NOW + ARGV[3]))
return {'probe', failures}
