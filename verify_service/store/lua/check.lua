-- Compares one guess, at most once, and consumes the code if it is right.
--
-- KEYS  1 the verification   2 its number   3 guesses over all numbers   4 restrictions
--       5 counts   6 timeline
-- Args  {app, digests: a list of those that are right, nonce: identifies the guess,
--        body: the digest of the request, if the nonce stands for an Idempotency-Key}
-- Returns {verdict, repeated, view, notices, outboxes: from outbox.added} and the verification
--         | {missing} | {other_body}
--         verdict: right | wrong | ended | blocked (not compared: the number's guesses are blocked)
--
-- One function counts, compares and consumes, so every guess counts and no code is accepted twice.
-- A second run with the same nonce returns the first verdict.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"
--- @include "conversion"
--- @include "guess_alarm"
--- @include "statistics"
--- @include "counts"
--- @include "timeline"
--- @include "outbox"

local function is_right(found, digests)
  for _, digest in ipairs(digests) do
    if digest == found.digest then
      return true
    end
  end
  return false
end

-- Counts and compares the guess, without a write. Returns the verdict, and the moment at which the
-- verification's key expires, if that changes.
local function compare(found, state, args, now)
  local budget = number.budget_of(state, found)
  found.left = found.left - 1
  if is_right(found, args.digests) then
    device_budget.approve(budget, now)
    if found.device then
      number.remember(state, found.device, now)
    end
    return 'right', verification.finish(found, 'approved', now)
  end
  device_budget.count_failure(budget, now)
  return 'wrong', found.left <= 0 and verification.finish(found, 'exhausted', now) or nil
end

-- Reads the conversion counts of the verification's prefix and country. Their keys are not declared,
-- so each is read together with one that is (json.lua).
local function load_conversions(found, now, declared)
  local conversions = {}
  for _, name in ipairs({string.sub(found.number, 1, -5), found.country}) do
    local key = keys.conversion(name)
    table.insert(conversions, conversion.parse(key, redis.call('MGET', declared, key)[2], now))
  end
  return conversions
end

-- Counts and logs a guess that was compared, and the state to which it changed the verification.
local function count_guess(ledger, found, short_id, verdict)
  if verdict == 'right' then
    counts.timed_event(ledger, found, 'approved', ledger.now)
    timeline.add(ledger, found, short_id, 'approved')
    return
  end
  counts.event(ledger, found, 'wrong')
  timeline.add(ledger, found, short_id, 'wrong')
  if found.state == 'exhausted' then
    counts.event(ledger, found, 'exhausted')
    timeline.add(ledger, found, short_id, 'exhausted')
  end
end

decision('check', {}, function(KEYS, args, now)
  local found, text = verification.load(KEYS[1], args.app)
  if not found then
    return {missing = true}
  end
  local state, _, stepped_back = number.load(KEYS[2], now)
  local expired = verification.expire(found, now)
  local guess = found.guesses and found.guesses[args.nonce]
  if guess then
    if guess.body ~= args.body then
      return {other_body = true}
    end
    text = expired and json.write(KEYS[1], found) or text
    return {verdict = guess.verdict, repeated = true, view = verification.view(found, state, now)},
      text
  end
  local ended = found.state ~= 'pending'
  if ended or number.guess_block(state, number.budget_of(state, found), now) then
    local verdict = ended and 'ended' or 'blocked'
    if verification.remember_guess(found, args, verdict) or expired then
      text = json.write(KEYS[1], found)
    end
    if stepped_back then
      number.save(KEYS[2], state, now)
    end
    return {verdict = verdict, view = verification.view(found, state, now)}, text
  end

  local verdict, expires_at = compare(found, state, args, now)
  verification.remember_guess(found, args, verdict)
  local alarm = not found.test and guess_alarm.load(KEYS[3], KEYS[4], now)
  local conversions = alarm and verdict == 'right' and load_conversions(found, now, KEYS[1]) or {}
  local box = found.state ~= 'pending' and outbox.of(found, KEYS[1])
  local ledger, short_id = statistics.open(KEYS[5], KEYS[6], now), keys.short_id(KEYS[1])
  local view = verification.view(found, state, now)

  outbox.add(box, found, short_id, found.state, view, ledger)
  text = json.write(KEYS[1], found, expires_at)
  number.save(KEYS[2], state, now)
  for _, conversion_counts in ipairs(conversions) do
    conversion.count_approval(conversion_counts, found.created, now)
  end
  local notice = alarm and guess_alarm.count(alarm, verdict, now)
  count_guess(ledger, found, short_id, verdict)
  return {verdict = verdict, view = view,
          notices = {notice or nil}, outboxes = outbox.added(box)}, text
end)
