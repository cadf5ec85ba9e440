-- The alarm over all numbers: raised when too many guesses of the last hour are wrong.

--- @include "time_buckets"
--- @include "restrictions"

local guess_alarm = {}

local WRONG, RIGHT = POLICY.series.guesses.names[1], POLICY.series.guesses.names[2]
local FIELD = 'alarm failureRate'

-- Reads the counts, and whether the alarm is raised already.
function guess_alarm.load(guesses_key, restrictions_key, now)
  local counts = time_buckets.parse(
    guesses_key, redis.call('GET', guesses_key), POLICY.series.guesses, now)
  local raised = time_buckets.total(counts, WRONG) + 1 >= POLICY.wrong.least
    and restrictions.get(restrictions_key, {FIELD}, now)[1]['until'] > now
  return {counts = counts, raised = raised, restrictions = restrictions_key}
end

-- Counts a guess. Returns a notice if it raises the alarm, else nil.
function guess_alarm.count(alarm, verdict, now)
  local counts = alarm.counts
  time_buckets.add(counts, verdict == 'right' and RIGHT or WRONG, now, 1)
  time_buckets.save(counts, now)
  local wrong = time_buckets.total(counts, WRONG)
  local total = wrong + time_buckets.total(counts, RIGHT)
  if alarm.raised or wrong < POLICY.wrong.least or wrong <= POLICY.wrong.share * total then
    return nil
  end
  local entry = {kind = 'alarm', ['until'] = now + POLICY.alarm_repeat_ms, total = total, count = wrong}
  restrictions.set(alarm.restrictions, {[FIELD] = entry}, now)
  return {kind = 'alarm', limit = 'failureRate', scope = '', wait = 0}
end

return guess_alarm
