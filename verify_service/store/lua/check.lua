-- Compares one guess, at most once, and consumes the code where it is right.
--
-- KEYS  1 the verification   2 its number   3 guesses over all numbers   4 restrictions
-- Asked {app, digests: those that would be right, nonce: the guess' name,
--        body: the digest of the request, where the nonce stands for an Idempotency-Key}
-- Returns {verdict, repeated, view, notices} and the verification | {missing} | {other_body}
--         verdict: right | wrong | ended | blocked (not compared: the number's guesses are blocked)
--
-- A guess is counted, compared and consumed in one function: no guess is free and no code is right
-- twice. A second run with the same nonce returns the first one's verdict.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"
--- @include "conversion"
--- @include "guess_alarm"

local function is_right(found, digests)
  for _, digest in ipairs(digests) do
    if digest == found.digest then
      return true
    end
  end
  return false
end

-- Counts the guess and compares it. Nothing is written before both are done. Returns the verdict, and
-- when the verification's key expires, if that changes.
local function compare(found, state, asked, now)
  local budget = number.budget_of(state, found)
  found.left = found.left - 1
  if is_right(found, asked.digests) then
    device_budget.approve(budget, now)
    if found.device then
      number.remember(state, found.device, now)
    end
    return 'right', verification.finish(found, 'approved', now)
  end
  device_budget.count_failure(budget, now)
  return 'wrong', found.left <= 0 and verification.finish(found, 'exhausted', now) or nil
end

-- Reads the places in which an approval counts: of a prefix and of a country. Their keys are not
-- declared, hence read beside one that is (json.lua).
local function load_places(found, now, declared)
  local places = {}
  for _, name in ipairs({string.sub(found.number, 1, -5), found.country}) do
    local key = keys.conversion(name)
    table.insert(places, conversion.parse(key, redis.call('MGET', declared, key)[2], now))
  end
  return places
end

decision('check', {}, function(KEYS, asked, now)
  local found, text = verification.load(KEYS[1], asked.app)
  if not found then
    return {missing = true}
  end
  local state = number.load(KEYS[2], now)
  local guess = found.guesses and found.guesses[asked.nonce]
  if guess then
    if guess.body ~= asked.body then
      return {other_body = true}
    end
    return {verdict = guess.verdict, repeated = true, view = verification.view(found, state, now)},
      text
  end
  local ended = verification.state(found, now) ~= 'pending'
  if ended or device_budget.guess_block(number.budget_of(state, found), now) then
    local verdict = ended and 'ended' or 'blocked'
    if verification.remember_guess(found, asked, verdict) then
      text = json.write(KEYS[1], found)
    end
    return {verdict = verdict, view = verification.view(found, state, now)}, text
  end

  local verdict, expires_at = compare(found, state, asked, now)
  verification.remember_guess(found, asked, verdict)
  local alarm = not found.test and guess_alarm.load(KEYS[3], KEYS[4], now)
  local places = alarm and verdict == 'right' and load_places(found, now, KEYS[1]) or {}

  text = json.write(KEYS[1], found, expires_at)
  number.save(KEYS[2], state, now)
  for _, counts in ipairs(places) do
    conversion.count_approval(counts, found.created, now)
  end
  local notice = alarm and guess_alarm.count(alarm, verdict, now)
  return {verdict = verdict, view = verification.view(found, state, now),
          notices = {notice or nil}}, text
end)
