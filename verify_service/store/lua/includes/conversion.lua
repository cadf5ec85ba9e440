-- The conversion guard: the share of starts that are approved, by prefix and by country.
--
-- Each scope has one key with two series: starts and approvals, both at the moment of the start. A
-- start younger than the code's TTL may still be approved, so it is not evaluated yet; the span is
-- an hour and that TTL.

--- @include "time_buckets"

local conversion = {}

local STARTED, APPROVED = POLICY.series.conversion.names[1], POLICY.series.conversion.names[2]

-- Returns the counts of a scope, given the text of its key, moved on to now.
function conversion.parse(key, text, now)
  return time_buckets.parse(key, text, POLICY.series.conversion, now)
end

-- Adds a start of a moment, or removes it with -1, and writes the counts.
function conversion.count_start(counts, moment, starts, now)
  time_buckets.add(counts, STARTED, moment, starts)
  time_buckets.save(counts, now)
end

-- Adds an approval and writes the counts, unless its start is no longer counted.
function conversion.count_approval(counts, moment, now)
  local known = time_buckets.count_at(counts, STARTED, moment)
    + time_buckets.count_at(counts, APPROVED, moment)
  if known > 0 then
    time_buckets.add(counts, APPROVED, moment, 1)
    time_buckets.save(counts, now)
  end
end

-- Returns the number of all starts, and how many of them were approved until now.
function conversion.total(counts)
  return time_buckets.total(counts, STARTED), time_buckets.total(counts, APPROVED)
end

-- Returns the number of starts whose code has expired, and how many of them were approved.
function conversion.settled(counts, now)
  return time_buckets.older(counts, STARTED, POLICY.code_ttl_ms, now),
    time_buckets.older(counts, APPROVED, POLICY.code_ttl_ms, now)
end

-- Returns whether too few starts were approved, and the two counts: starts, approvals.
function conversion.is_poor(counts, guard, now)
  if time_buckets.total(counts, STARTED) < guard.least then
    return false, 0, 0
  end
  local started, approved = conversion.settled(counts, now)
  return started >= guard.least and approved < guard.share * started, started, approved
end

return conversion
