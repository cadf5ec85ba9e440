-- Reports whether calls are paused. Its write fails if Redis takes no writes (full, read-only).
--
-- KEYS  1 a key to write   2 restrictions   3 breaker
-- Args  {}
-- Returns {paused: whether the operator has paused calls, open: whether the breaker is open}

--- @include "decision"
--- @include "json"
--- @include "breaker"
--- @include "restrictions"

decision('ready', {}, function(KEYS, _, now)
  local paused = restrictions.get(KEYS[2], {'pause'}, now)[1]['until'] > now
  local breaker_state = breaker.load(KEYS[3], now)
  json.write(KEYS[1], {}, now + 1000)
  return {paused = paused, open = breaker_state ~= nil and breaker_state['until'] ~= nil}
end)
