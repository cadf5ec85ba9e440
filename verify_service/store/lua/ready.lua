-- Answers whether starts and checks can be served: Redis runs it only where it takes writes.
--
-- KEYS  1 a key of its own   2 restrictions   3 breaker
-- Asked {}
-- Returns {paused: whether the operator pauses calls, open: whether the breaker does}

--- @include "decision"
--- @include "json"
--- @include "breaker"
--- @include "restrictions"

decision('ready', {}, function(KEYS, _, now)
  local paused = restrictions.get(KEYS[2], {'pause'})[1]['until'] > now
  local breaker_state = breaker.load(KEYS[3], now)
  json.write(KEYS[1], {}, now + 1000)
  return {paused = paused, open = breaker_state ~= nil and breaker_state['until'] ~= nil}
end)
