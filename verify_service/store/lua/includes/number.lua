-- The state of one number: its budgets, its calls and its waiting callbacks.
--
--   strangers   the budget of all callers but the known devices (device_budget.lua)
--   devices     a list of the budgets of the devices that verified it, at most POLICY.max_devices
--   former      the budgets of devices that are no longer known, the oldest first, until their events
--               have left every window; at most POLICY.former_devices. The first one may be the sum
--               of several devices' budgets: then it has no device
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

-- Keeps the usage of a device that is no longer known: it may become known again.
local function retire(state, budget)
  device_budget.retire(budget)
  if device_budget.latest(budget) == 0 then
    return
  end
  state.former = state.former or {}
  table.insert(state.former, budget)
  if #state.former > POLICY.former_devices then
    local first = state.former[1]
    first.device = nil
    device_budget.merge(first, table.remove(state.former, 2))
  end
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
    local expired = budget.approved_at + POLICY.known_device_ms <= now
    if expired then
      retire(state, budget)
    end
    return expired
  end)
end

-- Calls `each` with every budget in force, the strangers' first.
function number.each_budget(state, each)
  each(state.strangers)
  for _, budget in ipairs(state.devices or {}) do
    each(budget)
  end
end

-- The same, and then with those of former devices.
function number.each_stored(state, each)
  number.each_budget(state, each)
  for _, budget in ipairs(state.former or {}) do
    each(budget)
  end
end

-- Moves the number's moments back if one is in the future. Returns whether the clock stepped back.
local function follow_clock(state, now)
  local latest = 0
  number.each_stored(state, function(budget)
    latest = math.max(latest, device_budget.latest(budget))
  end)
  if latest <= now then
    return false
  end
  number.each_stored(state, function(budget)
    device_budget.move_back(budget, latest - now, now)
  end)
  return true
end

-- Returns the number's state without what has expired, whether the key existed, and whether the clock
-- stepped back: then a caller that writes saves the state, so that no wait begins again.
function number.load(key, now)
  local found = json.read(key)
  local state = found or {}
  local horizon = math.max(state.horizon or POLICY.day_ms, POLICY.event_memory_ms)
  local most = math.max(state.most or DEFAULT_MAX_EVENTS, POLICY.max_events)
  state.horizon = horizon > POLICY.day_ms and horizon or nil
  state.most = most > DEFAULT_MAX_EVENTS and most or nil
  state.strangers = state.strangers or {}
  local stepped_back = follow_clock(state, now)
  prune(state, now)
  number.each_budget(state, function(budget)
    device_budget.prune(budget, horizon, most, now)
  end)
  state.former = state.former and without_expired(state.former, function(budget)
    device_budget.prune(budget, horizon, most * POLICY.max_devices, now)
    return device_budget.kept_until(budget, horizon) <= now
  end)
  return state, found ~= nil, stepped_back
end

local function kept_until(state, now)
  local horizon = state.horizon or POLICY.day_ms
  local keep = 0
  number.each_stored(state, function(budget)
    keep = math.max(keep, device_budget.kept_until(budget, horizon))
  end)
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
  state.former = state.former and state.former[1] and state.former
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

-- Returns the wrong guesses of all devices, known and former, in the order of time.
local function failures_of_devices(state)
  local all = {}
  for _, list in ipairs({state.devices or {}, state.former or {}}) do
    for _, budget in ipairs(list) do
      device_budget.merge(all, {failures = budget.failures})
    end
  end
  return all.failures
end

-- Returns the limit that blocks guesses in a budget and the milliseconds until it ends, or nil. Devices
-- that become known in turn have no more guesses than POLICY.max_devices of them have.
function number.guess_block(state, budget, now)
  local limit, wait = device_budget.guess_block(budget, now)
  if limit ~= 'locked' and budget.device and state.former then
    local shared = device_budget.wait_for_windows(
      failures_of_devices(state), POLICY.failures, now, POLICY.max_devices)
    if shared > (wait or 0) then
      return 'failures', shared
    end
  end
  return limit, wait
end

-- Returns what blocks a start in a budget (device_budget.lua).
function number.start_block(state, budget, now)
  local limit, wait = number.guess_block(state, budget, now)
  return device_budget.start_block(budget, limit, wait, now)
end

-- Returns the budget that a device had before; else an empty one. A device that may be one of several
-- former ones gets a copy of their common budget.
local function former_budget(state, device)
  for i, budget in ipairs(state.former or {}) do
    if budget.device == device then
      return table.remove(state.former, i)
    end
  end
  local budget, first = {}, state.former and state.former[1]
  if first and not first.device then
    device_budget.merge(budget, first)
  end
  return budget
end

-- Makes a device known, in place of the one with the oldest approval if there are too many.
function number.remember(state, device, now)
  local budget = number.budget_for(state, device)
  if budget == state.strangers then
    budget = former_budget(state, device)
    budget.device = device
    state.devices = state.devices or {}
    if #state.devices >= POLICY.max_devices then
      local oldest = 1
      for i, other in ipairs(state.devices) do
        oldest = other.approved_at < state.devices[oldest].approved_at and i or oldest
      end
      retire(state, table.remove(state.devices, oldest))
    end
    table.insert(state.devices, budget)
  end
  device_budget.approve(budget, now)
end

return number
