-- Records what the provider did with the call of a reserved verification.
--
-- KEYS  1 the verification   2 its number   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers
-- Asked {own, tag, signal: good | bad | nothing, limits: names in the order of their keys,
--        outcome: placed | unknown | failed
--        placed: request, its digest; prefix and length of the caller, if they are known
--        failed: refund, whether the start is given back; reason, kind, error, retry_after}
-- Returns {view, notices} and the verification | {missing}
--
-- Safe to repeat, and harmless where a callback was faster: the first run settles the reservation.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"
--- @include "calls"
--- @include "breaker"
--- @include "wide_limits"
--- @include "conversion"

local function place(state, asked, found, now)
  local call = found.call
  call.prefix, call.length = asked.prefix, asked.length
  if call.state == 'placing' then
    call.state = 'placed'
  end
  local bound = state.calls and state.calls[asked.own] and state.calls[asked.own].request
  if not bound and not calls.owner(state, asked.request) then
    calls.bind(state, asked.own, found, asked.request, now)
  end
end

-- Returns when the verification's key expires, if that changes.
local function fail(state, asked, found, now)
  local call = found.call
  call.state, call.reason, call.kind = 'failed', asked.reason, asked.kind
  call.error, call.retry_after = asked.error, asked.retry_after
  if state.calls then
    state.calls[asked.own] = nil
  end
  if asked.refund then
    device_budget.refund(number.budget_of(state, found), asked.own, found.created)
  end
  if verification.state(found, now) == 'pending' then
    return verification.finish(found, 'failed', now)
  end
end

-- Reads what a refund gives back to: a list of functions that write it.
local function load_refunds(KEYS, asked, found, now)
  local counted, writes = {}, {}
  for _, limit in ipairs(found.reservation.limits) do
    counted[limit] = true
  end
  for i, limit in ipairs(asked.limits) do
    if counted[limit] then
      local key = KEYS[5 + i]
      local counts = wide_limits.parse(key, redis.call('GET', key), limit, now)
      table.insert(writes, function()
        wide_limits.count(counts, found.created, -1, now)
      end)
    end
  end
  for i = 4, found.test and 3 or 5 do
    local counts = conversion.parse(KEYS[i], redis.call('GET', KEYS[i]), now)
    table.insert(writes, function()
      conversion.count_start(counts, found.created, -1, now)
    end)
  end
  return writes
end

decision('record', {'allow-oom'}, function(KEYS, asked, now)
  local found = verification.load(KEYS[1])
  if not found then
    return {missing = true}
  end
  local state = number.load(KEYS[2], now)
  local placing = found.call.state == 'placing'
  local breaker_state, refunds = nil, {}
  if found.reservation then
    breaker_state = not found.test and breaker.load(KEYS[3], now) or nil
    refunds = placing and asked.refund and load_refunds(KEYS, asked, found, now) or {}
    found.reservation = nil
  end

  local expires_at
  if asked.outcome == 'placed' then
    place(state, asked, found, now)
  elseif placing and asked.outcome == 'failed' then
    expires_at = fail(state, asked, found, now)
  elseif placing then
    found.call.state = 'unknown'
  end
  local own_bound, lost = calls.match(state, KEYS[2], asked.tag, now, asked.own, found)

  if lost and own_bound ~= asked.own then
    json.write(keys.verification(asked.tag, own_bound), lost)
  end
  if breaker_state then
    found.notice = breaker.count_signal(KEYS[3], breaker_state, asked.own, asked.signal, now)
      or found.notice
  end
  local text = json.write(KEYS[1], found, expires_at)
  number.save(KEYS[2], state, now)
  for _, write in ipairs(refunds) do
    write()
  end
  return {view = verification.view(found, state, now), notices = {found.notice}}, text
end)
