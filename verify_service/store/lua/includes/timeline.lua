-- The timeline: the last events of all verifications, the newest last, in one list.
--
-- An entry is '<short id> <moment> <event>' and, after a space, details. The first of a verification is
-- 'started', with the details '<id> <app> <country> <masked number>'. The others are placed, unknown,
-- failed (the kind, and what decided), delivered and undelivered (the provider's word), wrong, approved,
-- exhausted and canceled. It has no whole number and no code. Starts of test numbers are not in it.

--- @include "statistics"

local timeline = {}

local RULES = POLICY.timeline

-- Adds an event. The list is cut when it has `slack` entries too many. counts.lua renews its TTL.
--
--   ledger   from statistics.lua
--   of       the verification
--   detail   or nil
timeline.add = statistics.guarded(function(ledger, _, short_id, event, detail)
  local key, now = ledger.timeline, ledger.now
  local entry = short_id .. ' ' .. now .. ' ' .. event
  local length = redis.call('RPUSH', key, detail and entry .. ' ' .. detail or entry)
  if length > RULES.events + RULES.slack then
    redis.call('LTRIM', key, -RULES.events, -1)
  end
  if length == 1 then
    redis.call('PEXPIREAT', key, now + RULES.kept_ms)
  end
end)

return timeline
