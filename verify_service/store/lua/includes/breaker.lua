-- The breaker: calls are paused while the provider fails, and one start at a time tries again.
--
--   failures   in a row: every process' calls, and then the probes
--   until      present while calls are paused; from this moment on one start is let through
--   probe      the own name of the last start that was
--
-- Taking the probe sets `until` to the probe's own timeout, so no other start takes it; where the
-- probe's process dies, the next start may try after that. A run of failures, or a pause during which
-- no start comes, expires.

--- @include "json"

local breaker = {}

-- Returns its state, or nil where there is no breaker. A pause that would last longer than any does
-- is over: the clock has stepped back.
function breaker.load(key, now)
  local rules = POLICY.breaker
  local state = rules and (json.read(key) or {failures = 0})
  if state and (state['until'] or now) > now + math.max(rules.longest, rules.probing) then
    state['until'] = now
  end
  return state or nil
end

-- Milliseconds that a start has to wait; 0 where it may proceed, also as the probe.
function breaker.wait(state, now)
  return math.max(0, (state and state['until'] or now) - now)
end

local function save(key, state, now)
  local kept_from = math.max(now, state['until'] or 0)
  json.write(key, state, kept_from + POLICY.breaker.remembered)
end

-- Lets a start through that need not wait. Returns whether it is the probe.
function breaker.pass(key, state, own, now)
  if not (state and state['until']) then
    return false
  end
  state['until'], state.probe = now + POLICY.breaker.probing, own
  save(key, state, now)
  return true
end

-- Counts what the call of a start says of the provider: good, bad or nothing. While calls are paused,
-- only the probe's outcome counts: calls that were already in flight and an expired probe are ignored.
--
-- Returns  a notice where calls are paused or let through by it, else nil
function breaker.count_signal(key, state, own, signal, now)
  local paused = state and state['until']
  local is_probe = paused and state.probe == own
  if not state or (paused and not is_probe) then
    return nil
  end
  if signal == 'good' then
    if paused or state.failures > 0 then
      redis.call('DEL', key)
    end
    return is_probe and {kind = 'closed', limit = 'breaker', place = '', wait = 0} or nil
  end
  if signal == 'nothing' then
    if is_probe then
      state['until'], state.probe = now, nil
      save(key, state, now)
    end
    return nil
  end
  local rules = POLICY.breaker
  state.failures, state.probe = state.failures + 1, nil
  local pause
  if state.failures >= rules.failures then
    -- Twice as long after each probe that failed too.
    local doublings = math.min(state.failures - rules.failures, 30)
    pause = math.min(rules.pause * 2 ^ doublings, rules.longest)
    state['until'] = now + pause
  end
  save(key, state, now)
  return pause and {kind = 'opened', limit = 'breaker', place = '', wait = pause} or nil
end

return breaker
