-- Matches the provider's callbacks with a number's calls.
--
-- A report is the content of a callback: {request, status, result, stamp, came}
--   request   the digest of the provider's requestId
--   status    the provider's word; stamp: when (unixtime in seconds)
--   result    its meaning: delivered | unreached (the start is refunded) | forbidden
--   came      when it was received; set while it waits

--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"

local calls = {}

-- Returns whether a report replaces a status: it is strictly newer, its status differs, and it does not
-- change delivered back to undelivered.
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
function calls.apply(state, short_id, found, report, now)
  local call = found.call
  if not supersedes(report, call.status, call.stamp, call.state == 'delivered') then
    return false
  end
  call.status, call.result, call.stamp = report.status, report.result, report.stamp
  call.state = report.result == 'delivered' and 'delivered' or 'undelivered'
  local budget = number.budget_of(state, found)
  local refunds = budget.refunds or {}
  if report.result == 'unreached' and not call.refunded and #refunds < POLICY.refunds_per_day then
    call.refunded = true
    table.insert(refunds, now)
    budget.refunds = refunds
    device_budget.refund(budget, short_id, found.created, now)
  end
  return true
end

-- Returns the short id of the verification to which this request is bound, or nil.
function calls.owner(state, request)
  for short_id, call in pairs(state.calls or {}) do
    if call.request == request then
      return short_id
    end
  end
end

-- Returns the index of a request among the waiting callbacks, or nil.
local function waiting_at(state, request)
  for i, report in ipairs(state.waiting or {}) do
    if report.request == request then
      return i
    end
  end
end

-- Binds a request to a verification, and applies the callback that waited for it. Returns when that was
-- received, or nil.
function calls.bind(state, short_id, found, request, now)
  state.calls = state.calls or {}
  state.calls[short_id] = state.calls[short_id] or {['until'] = found.expires + POLICY.readable_ms}
  state.calls[short_id].request = request
  local at = waiting_at(state, request)
  if at then
    local report = table.remove(state.waiting, at)
    return calls.apply(state, short_id, found, report, now) and report.came or nil
  end
end

-- Keeps a report until its call is known. Returns false if it does not replace the one that waits.
function calls.keep_waiting(state, report, now)
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
  if #state.waiting > POLICY.max_waiting_callbacks then
    table.remove(state.waiting, 1)
  end
  return true
end

-- Binds a waiting callback to the only open call of the number: one whose requestId is not known. With
-- two open calls, or two callbacks that fit, the match is ambiguous and none is bound. A call that is
-- still being placed is open, too, but is bound only when it is stale.
--
--   key               the number's
--   short_id, found   a verification that the caller has loaded and will write; may be nil
--
-- Returns  the short id and the verification that was bound, for the caller to write, and when its
--          callback was received; or nil
function calls.match(state, key, tag, now, short_id, found)
  local open_id, open
  for id, call in pairs(state.waiting and state.calls or {}) do
    local one = not call.request
      and (id == short_id and found or verification.load(keys.verification(tag, id), nil, key))
    if one and (one.call.state == 'placing' or one.call.state == 'unknown') then
      if open then
        return nil
      end
      open_id, open = id, one
    end
  end
  if not open or (open.call.state == 'placing' and open.created + POLICY.call_deadline_ms > now) then
    return nil
  end
  local fitting
  for _, report in ipairs(state.waiting or {}) do
    if report.came >= open.created then
      if fitting then
        return nil
      end
      fitting = report
    end
  end
  if not fitting then
    return nil
  end
  return open_id, open, calls.bind(state, open_id, open, fitting.request, now)
end

return calls
