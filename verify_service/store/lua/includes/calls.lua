-- How a number's calls and the provider's callbacks find each other.
--
-- A report is what a callback says: {request, status, stamp, delivered, refunds, came}
--   request     the digest of the provider's requestId
--   status      the provider's word; stamp: when (unixtime in seconds)
--   delivered   whether the phone rang; refunds: whether the start is given back
--   came        when it came; for one that waits

--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"

local calls = {}

-- Whether a report changes what is known: strictly newer, another status, and never from delivered
-- back to undelivered.
local function supersedes(new, status, stamp, delivered)
  if not status then
    return true
  end
  if new.stamp <= stamp or new.status == status then
    return false
  end
  return new.result == 'delivered' or not delivered
end

-- Applies a report to a verification's call. Returns whether it changed anything.
function calls.apply(state, own, found, report, now)
  local call = found.call
  if not supersedes(report, call.status, call.stamp, call.state == 'delivered') then
    return false
  end
  call.status, call.result, call.stamp = report.status, report.result, report.stamp
  call.state = report.result == 'delivered' and 'delivered' or 'undelivered'
  local budget = number.budget_of(state, found)
  local refunds = budget.refunds or {}
  if report.result == 'unreachable' and not call.refunded and #refunds < POLICY.refunds_per_day then
    call.refunded = true
    table.insert(refunds, now)
    budget.refunds = refunds
    device_budget.refund(budget, own, found.created)
  end
  return true
end

-- Returns the own name of the verification whose call has this request, or nil.
function calls.owner(state, request)
  for own, call in pairs(state.calls or {}) do
    if call.request == request then
      return own
    end
  end
end

-- Returns the place of a request among the callbacks that wait, or nil.
local function waiting_at(state, request)
  for i, report in ipairs(state.waiting or {}) do
    if report.request == request then
      return i
    end
  end
end

-- From now on the request belongs to this verification. What waited for it is applied.
function calls.bind(state, own, found, request, now)
  state.calls = state.calls or {}
  state.calls[own] = state.calls[own] or {['until'] = found.expires + POLICY.readable}
  state.calls[own].request = request
  local at = waiting_at(state, request)
  if at then
    calls.apply(state, own, found, table.remove(state.waiting, at), now)
  end
end

-- Keeps a report until its call is known. Returns false for one that is no news.
function calls.hold(state, report, now)
  local at = waiting_at(state, report.request)
  if at then
    local old = state.waiting[at]
    if not supersedes(report, old.status, old.stamp, old.result == 'delivered') then
      return false
    end
    table.remove(state.waiting, at)
  end
  report.came = now
  state.waiting = state.waiting or {}
  table.insert(state.waiting, report)
  if #state.waiting > POLICY.waiting then
    table.remove(state.waiting, 1)
  end
  return true
end

-- Binds what is waiting to the one call whose requestId was never learned and never will be. With
-- two such calls, or two callbacks that could be meant, it would be a guess: none is bound. A call
-- that is still being placed is open as well: what is waiting may be its own.
--
--   key          the number's
--   own, found   a verification that the caller has loaded and will write itself; may be nil
--
-- Returns  the own name and the verification that was bound, both for the caller to write, or nil
function calls.match(state, key, tag, now, own, found)
  local lost_name, lost
  for name, call in pairs(state.waiting and state.calls or {}) do
    local one = not call.request
      and (name == own and found or verification.load(keys.verification(tag, name), nil, key))
    if one and (one.call.state == 'placing' or one.call.state == 'unknown') then
      if lost then
        return nil
      end
      lost_name, lost = name, one
    end
  end
  if not lost or (lost.call.state == 'placing' and lost.created + POLICY.deadline > now) then
    return nil
  end
  local meant
  for _, report in ipairs(state.waiting or {}) do
    if report.came >= lost.created then
      if meant then
        return nil
      end
      meant = report
    end
  end
  if not meant then
    return nil
  end
  calls.bind(state, lost_name, lost, meant.request, now)
  return lost_name, lost
end

return calls
