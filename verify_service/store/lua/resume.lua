-- Ends the operator's pause and the breaker's.
--
-- KEYS  1 restrictions   2 breaker
-- Args  {}
-- Returns {operator, breaker}: whether each of them had paused calls

--- @include "decision"
--- @include "breaker"
--- @include "restrictions"

decision('resume', {'allow-oom'}, function(KEYS, _, now)
  local paused = restrictions.get(KEYS[1], {'pause'}, now)[1]['until'] > now
  local breaker_state = breaker.load(KEYS[2], now)
  local suspended = breaker_state ~= nil and breaker_state['until'] ~= nil
  restrictions.remove(KEYS[1], {'pause'})
  if suspended then
    redis.call('DEL', KEYS[2])
  end
  return {operator = paused, breaker = suspended}
end)
