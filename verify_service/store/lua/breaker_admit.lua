-- Says whether calls may be placed, and lets a single probe through where they may not.
--
-- KEYS  1 b:{wide}
-- ARGV  1 policy  2 {wide}  3 token of the start that asks
--       4 how long a probe can be under way (ms)  5 how long all of it is remembered (ms)
-- Returns  {'closed', failures in a row} | {'probe', failures} | {'open', milliseconds to wait}
--
--   failures   in a row: every process' calls, and then the probes
--   until      while there: calls are paused; from this moment on one start is let through
--   probe      the token of the last start that was
--
-- Taking the probe moves the moment on, so that nobody else takes it; should whoever took it die,
-- the next one may try after that. A run of failures, or a pause that nobody asks about any more,
-- is forgotten after a while (breaker_report.lua).
--
-- Safe to repeat: under the same token a second run finds the probe that the first one took, and
-- moves nothing.

local found = redis.call('HMGET', KEYS[1], 'failures', 'until', 'probe')
local failures, moment, probe = tonumber(found[1]) or 0, tonumber(found[2]), found[3]

if not moment then
  return {'closed', failures}
end
if probe == ARGV[3] then
  return {'probe', failures}
end
if NOW < moment then
  return {'open', moment - NOW}
end
moment = NOW + ARGV[4]
redis.call('HSET', KEYS[1], 'until', text(moment), 'probe', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], text(moment + ARGV[5]))
return {'probe', failures}
