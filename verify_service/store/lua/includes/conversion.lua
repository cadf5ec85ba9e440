-- The conversion guard: how many of those who were called get in, by prefix and by country.
--
-- At one place, two series of one key: starts and approvals, both by the moment of the start. A
-- start that is younger than the code's TTL may still be approved, so it says nothing yet; the span
-- is an hour and that TTL.

--- @include "time_buckets"

local conversion = {}

local STARTED, APPROVED = POLICY.series.conversion.names[1], POLICY.series.conversion.names[2]

-- Returns what is counted at a place, in the text of its key, as it is now.
function conversion.parse(key, text, now)
  return time_buckets.parse(key, text, POLICY.series.conversion, now)
end

-- Counts a start of a moment, or with -1 takes it out again; writes it.
function conversion.count_start(counts, moment, starts, now)
  time_buckets.add(counts, STARTED, moment, starts)
  time_buckets.save(counts, now)
end

-- Counts an approval and writes it. Where its start is forgotten already, it says nothing.
function conversion.count_approval(counts, moment, now)
  local known = time_buckets.count_at(counts, STARTED, moment)
    + time_buckets.count_at(counts, APPROVED, moment)
  if known > 0 then
    time_buckets.add(counts, APPROVED, moment, 1)
    time_buckets.save(counts, now)
  end
end

-- Returns how many starts are old enough to say something, and how many of them were approved.
function conversion.settled(counts, now)
  return time_buckets.older(counts, STARTED, POLICY.ttl, now),
    time_buckets.older(counts, APPROVED, POLICY.ttl, now)
end

-- Returns whether too few got in, and what that goes by: starts, approvals.
function conversion.is_poor(counts, guard, now)
  if time_buckets.total(counts, STARTED) < guard.least then
    return false, 0, 0
  end
  local started, approved = conversion.settled(counts, now)
  return started >= guard.least and approved < guard.share * started, started, approved
end

return conversion
