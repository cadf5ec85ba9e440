-- One verification: the code's digest, the checks left and the expiry in one value, so that eviction
-- or a failover loses all of it or nothing.
--
--   app, number, country, reference   the app, the full E.164 number, an ISO code, the app's text
--   digest, left       the code's keyed digest, checks left
--   created, expires   moments
--   state              pending | approved | exhausted | canceled | failed | expired, which is
--                      computed until it is seen
--   device             the digest of the device that it was started from, if given
--   known              the number knew that device: start and guesses count in the device's budget
--   test               the number is a test number: no call is placed
--   reservation        until the outcome is recorded: {limits, a list of the limits over many
--                      numbers that the start counts in; probe, whether it is the breaker's probe}
--   notice             the breaker's notice when the outcome was recorded, for a second run
--   guesses            by nonce: {verdict, body}; body is the digest of the request, if the nonce
--                      stands for an Idempotency-Key
--   webhook            the rest of its id, after the short id, if its app is sent events
--   call               state: placing | placed | unknown | failed | delivered | undelivered
--                      prefix, length: the calling number without its last four digits
--                      status, result, stamp: the provider's word, what it means (delivered |
--                      unreached | forbidden), and when (unixtime in seconds)
--                      refunded: the start was refunded because the call was undelivered
--                      reason, kind, error, retry_after: of a failed call

--- @include "json"
--- @include "number"

local verification = {}

-- Guesses that were not compared and are kept for their Idempotency-Key. They use no check, so nothing
-- else bounds their number.
local MAX_UNCOMPARED_GUESSES = 20
local TOLERATED_CLOCK_STEP_MS = 1000
local COMPARED = {right = true, wrong = true}

-- Returns the verification at a key and its text, or nil if there is none of this app.
--
--   app        nil: any
--   declared   a declared key, if the first one is not (json.lua)
function verification.load(key, app, declared)
  local found, text = json.read(key, declared)
  if found and (not app or found.app == app) then
    return found, text
  end
end

-- Returns the state at this moment. A verification that began in the future has expired: the clock
-- stepped back, and how old it is cannot be known.
function verification.state(found, now)
  local over = found.expires <= now or found.created > now + TOLERATED_CLOCK_STEP_MS
  return found.state == 'pending' and over and 'expired' or found.state
end

-- Stores that a verification has expired when this is seen for the first time, so that it stays so if
-- the clock steps back. Returns whether it changed.
function verification.expire(found, now)
  local state = verification.state(found, now)
  local changed = state ~= found.state
  found.state = state
  return changed
end

-- Ends a verification, which can still be read for a while. Returns the moment at which its key expires.
function verification.finish(found, state, now)
  found.state = state
  return now + (state == 'failed' and POLICY.failed_readable_ms or POLICY.readable_ms)
end

-- Returns whether a guess was compared with its code.
function verification.was_compared(found)
  for _, guess in pairs(found.guesses or {}) do
    if COMPARED[guess.verdict] then
      return true
    end
  end
  return false
end

-- Keeps a guess under its nonce, so that a repeat gets the same verdict. Returns whether it is kept: a
-- guess that was not compared only with an Idempotency-Key, and only the first
-- MAX_UNCOMPARED_GUESSES.
function verification.remember_guess(found, args, verdict)
  local guesses, uncompared = found.guesses or {}, 0
  if not COMPARED[verdict] then
    for _, guess in pairs(guesses) do
      uncompared = uncompared + (COMPARED[guess.verdict] and 0 or 1)
    end
    if not args.body or uncompared >= MAX_UNCOMPARED_GUESSES then
      return false
    end
  end
  guesses[args.nonce] = {verdict = verdict, body = args.body}
  found.guesses = guesses
  return true
end

local function block(limit, wait)
  return limit and {limit = limit, milliseconds = wait} or nil
end

-- Returns what depends on the time and on the number's budgets. Python reads it with the stored text.
--
--   now, state    the moment, and the state at that moment
--   guess_block   the limit that blocks guesses: {limit, milliseconds}; missing: none
--   start_block   the same for the next start of its device
function verification.view(found, number_state, now)
  local guess_limit, guess_wait = number.guess_block(
    number_state, number.budget_of(number_state, found), now)
  local start_limit, start_wait = number.start_block(
    number_state, number.budget_for(number_state, found.device), now)
  return {
    now = now, state = verification.state(found, now),
    guess_block = block(guess_limit, guess_wait), start_block = block(start_limit, start_wait),
  }
end

return verification
