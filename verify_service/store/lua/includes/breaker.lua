-- The breaker: calls are paused while the provider fails, and one start at a time tries again.
--
--   failures   in a row: of all processes' calls, and then of the probes
--   until      present while calls are paused; from this moment on one start may proceed
--   since      when calls were paused: the end of a pause and a failed probe do not change it
--   probe      the short id of the last start that proceeded
--
-- A probe sets `until` to the end of its timeout, so no other start becomes a probe before; if the
-- probe's process dies, a later start does. The state expires after the last failure, or after a pause
-- without starts.

--- @include "json"

local breaker = {}

-- The pause after so many failures: it doubles after each failed probe.
local function pause_after(failures)
  local doublings = math.min(math.max(0, failures - POLICY.breaker.failures), 30)
  return math.min(POLICY.breaker.first_pause_ms * 2 ^ doublings, POLICY.breaker.longest_pause_ms)
end

-- Returns its state, or nil if no breaker is configured. A pause with more time left than it had at its
-- beginning has ended: the clock stepped back.
function breaker.load(key, now)
  local rules = POLICY.breaker
  local state = rules and (json.read(key) or {failures = 0})
  if state and state['until'] then
    local longest = state.probe and rules.probe_ms or pause_after(state.failures)
    if state['until'] > now + longest then
      state['until'] = now
    end
  end
  return state or nil
end

-- Milliseconds that a start has to wait; 0 if it may proceed, also as the probe.
function breaker.wait(state, now)
  return math.max(0, (state and state['until'] or now) - now)
end

local function save(key, state, now)
  local kept_from = math.max(now, state['until'] or 0)
  json.write(key, state, kept_from + POLICY.breaker.memory_ms)
end

-- Registers a start that need not wait. Returns whether it is the probe.
function breaker.pass(key, state, short_id, now)
  if not (state and state['until']) then
    return false
  end
  state['until'], state.probe = now + POLICY.breaker.probe_ms, short_id
  save(key, state, now)
  return true
end

-- Counts the signal of a call: good, bad or nothing. While calls are paused, only the probe's signal
-- counts: those of calls that were already in flight and of an expired probe are ignored.
--
-- Returns  a notice if the breaker opens or closes, else nil
function breaker.count_signal(key, state, short_id, signal, now)
  local paused = state and state['until']
  local is_probe = paused and state.probe == short_id
  if not state or (paused and not is_probe) then
    return nil
  end
  if signal == 'good' then
    if paused or state.failures > 0 then
      redis.call('DEL', key)
    end
    return is_probe and {kind = 'closed', limit = 'breaker', scope = '', wait = 0} or nil
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
    pause = pause_after(state.failures)
    state['until'], state.since = now + pause, state.since or now
  end
  save(key, state, now)
  return pause and {kind = 'opened', limit = 'breaker', scope = '', wait = pause} or nil
end

return breaker
