-- The state of one number: its budgets, its calls and its waiting callbacks.
--
--   strangers   the budget of all callers but the known devices (device_budget.lua)
--   devices     a list of the budgets of the devices that verified it, at most POLICY.max_devices
--   calls       by the verification's short id: {until, request}, for as long as the verification can
--               be read; request is the digest of the provider's requestId, once that is known
--   waiting     callbacks that are not bound to a call, the oldest first (calls.lua)
--   horizon, most   how long events are kept (ms), and how many: the maximum over all releases, so
--               that two releases with different limits keep each other's events. Missing: a day,
--               and DEFAULT_MAX_EVENTS

--- @include "json"
--- @include "device_budget"

local DEFAULT_MAX_EVENTS = 20

local number = {}

-- Returns a list without its expired entries, or nil if none is left.
local function without_expired(list, is_expired)
  local kept
  for _, one in ipairs(list or {}) do
    if not is_expired(one) then
      kept = kept or {}
      kept[#kept + 1] = one
    end
  end
  return kept
end

local function prune(state, now)
  for short_id, call in pairs(state.calls or {}) do
    if call['until'] <= now then
      state.calls[short_id] = nil
    end
  end
  state.waiting = state.waiting and without_expired(state.waiting, function(report)
    return report.came + POLICY.waiting_callback_ms <= now
  end)
  state.devices = state.devices and without_expired(state.devices, function(budget)
    return budget.approved_at + POLICY.known_device_ms <= now
  end)
end

-- Calls `each` with every budget, the strangers' first.
function number.each_budget(state, each)
  each(state.strangers)
  for _, budget in ipairs(state.devices or {}) do
    each(budget)
  end
end

-- Returns the number's state without what has expired, and whether the key existed.
function number.load(key, now)
  local found = json.read(key)
  local state = found or {}
  local horizon = math.max(state.horizon or POLICY.day_ms, POLICY.event_memory_ms)
  local most = math.max(state.most or DEFAULT_MAX_EVENTS, POLICY.max_events)
  state.horizon = horizon > POLICY.day_ms and horizon or nil
  state.most = most > DEFAULT_MAX_EVENTS and most or nil
  state.strangers = state.strangers or {}
  prune(state, now)
  number.each_budget(state, function(budget)
    device_budget.prune(budget, horizon, most, now)
  end)
  return state, found ~= nil
end

local function kept_until(state, now)
  local horizon = state.horizon or POLICY.day_ms
  local keep = device_budget.kept_until(state.strangers, horizon)
  for _, budget in ipairs(state.devices or {}) do
    keep = math.max(keep, device_budget.kept_until(budget, horizon))
  end
  for _, call in pairs(state.calls or {}) do
    keep = math.max(keep, call['until'])
  end
  for _, report in ipairs(state.waiting or {}) do
    keep = math.max(keep, report.came + POLICY.waiting_callback_ms)
  end
  return keep
end

function number.save(key, state, now)
  local keep, strangers = kept_until(state, now), state.strangers
  if keep <= now then
    redis.call('DEL', key)
    return
  end
  state.strangers = next(strangers) and strangers
  state.calls = state.calls and next(state.calls) and state.calls
  state.waiting = state.waiting and state.waiting[1] and state.waiting
  json.write(key, state, keep)
  state.strangers = strangers
end

-- Returns the budget of a device if the number knows it, else the strangers'.
function number.budget_for(state, device)
  for _, budget in ipairs(device and state.devices or {}) do
    if budget.device == device then
      return budget
    end
  end
  return state.strangers
end

-- Returns the budget of a verification's start and guesses. If the number no longer knows the device,
-- that is the strangers'.
function number.budget_of(state, verification)
  return number.budget_for(state, verification.known and verification.device or nil)
end

-- Makes a device known, in place of the one with the oldest approval if there are too many.
function number.remember(state, device, now)
  local budget = number.budget_for(state, device)
  if budget == state.strangers then
    state.devices = state.devices or {}
    if #state.devices >= POLICY.max_devices then
      local oldest = 1
      for i, other in ipairs(state.devices) do
        oldest = other.approved_at < state.devices[oldest].approved_at and i or oldest
      end
      table.remove(state.devices, oldest)
    end
    budget = {device = device}
    table.insert(state.devices, budget)
  end
  device_budget.approve(budget, now)
end

return number
