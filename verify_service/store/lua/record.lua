-- Records the outcome of the call of a reserved verification.
--
-- KEYS  1 the verification   2 its number   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers
--       then counts, timeline, and the Idempotency-Key, if the start had one
-- Args  {short_id, tag, signal: good | bad | nothing, limits: names in the order of their keys,
--        outcome: placed | unknown | failed
--        placed: request, the digest of the requestId; prefix and length of the caller, if known
--        failed: refund, whether the call was not placed; reason, kind, cause, error, retry_after;
--        wait, for how long the provider throttles the number (ms)}
-- Returns {view, notices, outboxes: from outbox.added} and the verification | {missing}
--
-- Safe to repeat: only the first run finds the reservation. A callback may have been applied before.

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
--- @include "statistics"
--- @include "counts"
--- @include "timeline"
--- @include "outbox"

-- Returns when the callback that waited for the call was received, or nil.
local function place(state, args, found, now)
  local call = found.call
  call.prefix, call.length = args.prefix, args.length
  if call.state == 'placing' then
    call.state = 'placed'
  end
  local bound = state.calls and state.calls[args.short_id] and state.calls[args.short_id].request
  if not bound and not calls.owner(state, args.request) then
    return calls.bind(state, args.short_id, found, args.request, now)
  end
end

-- Returns whether the start is given back. One whose code was guessed at is not: it let guesses through.
local function is_given_back(state, args, found, now)
  return args.refund and not verification.was_compared(found)
    and device_budget.may_give_back(number.budget_of(state, found), now)
end

-- Starts the wait that the provider asks for. The answer then has the wait of the number's own limits.
local function throttle(budget, args, state, call, now)
  budget.throttled_until = math.max(budget.throttled_until or 0, now + args.wait)
  local _, wait = number.start_block(state, budget, now)
  call.retry_after = math.ceil(wait / 1000)
end

-- Returns the moment at which the verification's key expires, if that changes.
local function fail(state, args, found, given_back, now)
  local call, budget = found.call, number.budget_of(state, found)
  call.state, call.reason, call.kind = 'failed', args.reason, args.kind
  call.error, call.retry_after = args.error, args.retry_after
  if state.calls then
    state.calls[args.short_id] = nil
  end
  if given_back then
    device_budget.give_back(budget, args.short_id, found.created, now)
  end
  if args.wait then
    throttle(budget, args, state, call, now)
  end
  if verification.state(found, now) == 'pending' then
    return verification.finish(found, 'failed', now)
  end
end

-- Reads the counters that a call that was not placed decreases. Returns a list of functions that write
-- them. The conversion guard counts only calls that were placed, whatever the limits give back.
local function load_refunds(KEYS, args, found, given_back, now)
  local counted, writes = {}, {}
  for _, limit in ipairs(given_back and found.reservation.limits or {}) do
    counted[limit] = true
  end
  for i, limit in ipairs(args.limits) do
    if counted[limit] then
      local key = KEYS[5 + i]
      local limit_counts = wide_limits.parse(key, redis.call('GET', key), limit, now)
      table.insert(writes, function()
        wide_limits.give_back(limit_counts, limit, found.created, now)
      end)
    end
  end
  for i = 4, found.test and 3 or 5 do
    local conversion_counts = conversion.parse(KEYS[i], redis.call('GET', KEYS[i]), now)
    table.insert(writes, function()
      conversion.count_start(conversion_counts, found.created, -1, now)
    end)
  end
  return writes
end

-- Counts and logs the outcome. A call that a callback has marked was placed, whatever the provider's
-- answer is.
local function count_outcome(ledger, found, args, placing)
  local event = placing and args.outcome or 'placed'
  local why = args.cause and args.kind .. ' ' .. args.cause or args.kind
  timeline.add(ledger, found, args.short_id, event, event == 'failed' and why or nil)
  counts.event(ledger, found, event == 'failed' and 'failed.' .. args.kind or event)
end

decision('record', {'allow-oom'}, function(KEYS, args, now)
  local found = verification.load(KEYS[1])
  if not found then
    return {missing = true}
  end
  local state = number.load(KEYS[2], now)
  local before, first = found.call.state, found.reservation ~= nil
  local placing = before == 'placing'
  local given_back = placing and is_given_back(state, args, found, now)
  local breaker_state, refunds = nil, {}
  if first then
    breaker_state = not found.test and breaker.load(KEYS[3], now) or nil
    refunds = placing and args.refund and load_refunds(KEYS, args, found, given_back, now) or {}
    found.reservation = nil
  end

  local expires_at, came
  if args.outcome == 'placed' then
    came = place(state, args, found, now)
  elseif placing and args.outcome == 'failed' then
    expires_at = fail(state, args, found, given_back, now)
  elseif placing then
    found.call.state = 'unknown'
  end
  local matched_id, matched, matched_came = calls.match(
    state, KEYS[2], args.tag, now, args.short_id, found)
  local event = expires_at and 'failed' or (came or matched == found) and found.call.state
  local box = event and outbox.of(found, KEYS[1])
  local other_box = matched ~= found and outbox.of(matched, KEYS[1]) or nil
  local ledger = statistics.open(KEYS[6 + #args.limits], KEYS[7 + #args.limits], now)
  local view = verification.view(found, state, now)

  outbox.add(box, found, args.short_id, event, view, ledger)
  if matched and matched_id ~= args.short_id then
    outbox.add(other_box, matched, matched_id, matched.call.state,
               verification.view(matched, state, now), ledger)
    json.write(keys.verification(args.tag, matched_id), matched)
  end
  if breaker_state then
    found.notice = breaker.count_signal(KEYS[3], breaker_state, args.short_id, args.signal, now)
      or found.notice
  end
  verification.expire(found, now)
  local text = json.write(KEYS[1], found, expires_at)
  number.save(KEYS[2], state, now)
  if expires_at and #KEYS > 7 + #args.limits then
    redis.call('PEXPIREAT', KEYS[#KEYS], expires_at)
  end
  for _, write in ipairs(refunds) do
    write()
  end
  if first then
    count_outcome(ledger, found, args, placing)
  end
  if came then
    counts.reported(ledger, found, args.short_id, before, came)
  end
  if matched then
    counts.reported(ledger, matched, matched_id, nil, matched_came)
  end
  return {view = view, notices = {found.notice},
          outboxes = outbox.added(box, other_box)}, text
end)
