-- What the counts (counts.lua) and the timeline (timeline.lua) have in common: no decision reads them,
-- each writes them after all else, and an error in them changes no decision.

--- @include "keys"

local statistics = {}

local HOUR_MS = 3600000

-- Returns the ledger of a decision: where it counts, and where it logs.
--
--   past   the past counts, if the decision declares their key: then it may roll up
function statistics.open(counts_key, timeline_key, now, past)
  return {counts = counts_key, timeline = timeline_key, past = past,
          hour = math.floor(now / HOUR_MS), now = now}
end

-- Returns the same for a decision that does not declare the keys, before its first write. Returns nil
-- while a cluster migrates the slot and one of them is on the other node: the event is then not
-- counted, because a callback that is refused may be lost.
function statistics.find(declared, now)
  local reply = redis.pcall('MGET', declared, keys.counts, keys.timeline)
  return not reply.err and statistics.open(keys.counts, keys.timeline, now) or nil
end

-- Returns `add(ledger, of, …)`, which counts or logs an event of a verification, as a function that
-- raises no error. It does nothing without a ledger, and nothing for a test number. An error loses the
-- event, and a key of another type is deleted, so that the next event is counted.
function statistics.guarded(add)
  return function(ledger, of, ...)
    if not ledger or of.test or pcall(add, ledger, of, ...) then
      return
    end
    keys.delete_other_type(ledger.counts, 'HLEN')
    keys.delete_other_type(ledger.timeline, 'LTRIM', 0, -1)
    if ledger.past then
      keys.delete_other_type(ledger.past, 'HLEN')
    end
  end
end

return statistics
