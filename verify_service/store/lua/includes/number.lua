-- The state of one number: its budgets, and what its calls and callbacks share.
--
--   strangers   the budget of all callers but the known devices (device_budget.lua)
--   devices     a list of the budgets of the devices that verified it, at most POLICY.devices
--   calls       by the verification's own name: {until, request}, from the start for as long as
--               the verification can be read; request is the digest of the provider's requestId,
--               once that is known
--   waiting     callbacks that no call claims yet, the oldest first (calls.lua)
--   horizon, most   how long events are kept, and how many: the most that any release has asked
--               for, so that two releases with different limits do not forget each other's events.
--               Missing: a day, and 20

--- @include "json"
--- @include "device_budget"

local MOST = 20

local number = {}

-- Returns a list without the entries that have ended, or nil where none is left.
local function still_kept(list, ends)
  local kept
  for _, one in ipairs(list or {}) do
    if not ends(one) then
      kept = kept or {}
      kept[#kept + 1] = one
    end
  end
  return kept
end

local function prune(state, now)
  for own, call in pairs(state.calls or {}) do
    if call['until'] <= now then
      state.calls[own] = nil
    end
  end
  state.waiting = state.waiting and still_kept(state.waiting, function(report)
    return report.came + POLICY.waiting_for <= now
  end)
  state.devices = state.devices and still_kept(state.devices, function(budget)
    return budget.approved_at + POLICY.known_for <= now
  end)
end

-- Calls `each` with every budget, the strangers' first.
function number.each_budget(state, each)
  each(state.strangers)
  for _, budget in ipairs(state.devices or {}) do
    each(budget)
  end
end

-- Returns the number's state as it is now, and whether anything was kept.
function number.load(key, now)
  local found = json.read(key)
  local state = found or {}
  local horizon = math.max(state.horizon or POLICY.day, POLICY.horizon)
  local most = math.max(state.most or MOST, POLICY.most)
  state.horizon = horizon > POLICY.day and horizon or nil
  state.most = most > MOST and most or nil
  state.strangers = state.strangers or {}
  prune(state, now)
  number.each_budget(state, function(budget)
    device_budget.prune(budget, horizon, most, now)
  end)
  return state, found ~= nil
end

local function kept_until(state, now)
  local horizon = state.horizon or POLICY.day
  local keep = device_budget.kept_until(state.strangers, horizon)
  for _, budget in ipairs(state.devices or {}) do
    keep = math.max(keep, device_budget.kept_until(budget, horizon))
  end
  for _, call in pairs(state.calls or {}) do
    keep = math.max(keep, call['until'])
  end
  for _, report in ipairs(state.waiting or {}) do
    keep = math.max(keep, report.came + POLICY.waiting_for)
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

-- Returns the budget that a start of this device counts in: its own, if the number knows it, else
-- the strangers'.
function number.budget_for(state, device)
  for _, budget in ipairs(device and state.devices or {}) do
    if budget.device == device then
      return budget
    end
  end
  return state.strangers
end

-- Returns the budget that a verification's start and its guesses count in. Where the number has
-- forgotten the device since, its guesses are a stranger's.
function number.budget_of(state, verification)
  return number.budget_for(state, verification.known and verification.device or nil)
end

-- Makes a device known. A number that knows as many as it may forgets the one whose approval is
-- the oldest.
function number.remember(state, device, now)
  local budget = number.budget_for(state, device)
  if budget == state.strangers then
    state.devices = state.devices or {}
    if #state.devices >= POLICY.devices then
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
