-- One verification: the code's digest, the checks left and the expiry in one value, so that eviction
-- or a failover loses all of it or nothing.
--
--   app, number, country, reference   the app, the full E.164 number, an ISO code, the app's text
--   digest, left       the code's keyed digest, checks left
--   created, expires   moments
--   state              pending | approved | exhausted | canceled | failed; expired is computed
--   device             the digest of the device that it was started from, if given
--   known              the number knew that device: start and guesses count in the device's budget
--   test               the number is a test number: no call is placed
--   reservation        until the outcome is recorded: {limits, a list of the limits over many
--                      numbers that the start counts in; probe, whether it is the breaker's probe}
--   notice             the breaker's notice when the outcome was recorded, for a second run
--   guesses            by nonce: {verdict, body}; body is the digest of the request, if the nonce
--                      stands for an Idempotency-Key
--   call               state: placing | placed | unknown | failed | delivered | undelivered
--                      prefix, length: the calling number without its last four digits
--                      status, result, stamp: the provider's word, what it means (delivered |
--                      unreached | forbidden), and when (unixtime in seconds)
--                      refunded: the start was refunded because the call was undelivered
--                      reason, kind, error, retry_after: of a failed call

--- @include "json"
--- @include "number"
--- @include "device_budget"

local verification = {}

-- Guesses that were not compared and are kept for their Idempotency-Key. They use no check, so nothing
-- else bounds their number.
local MAX_UNCOMPARED_GUESSES = 20
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

function verification.state(found, now)
  if found.state == 'pending' and found.expires <= now then
    return 'expired'
  end
  return found.state
end

-- Ends a verification, which can still be read for a while. Returns the moment at which its key expires.
function verification.finish(found, state, now)
  found.state = state
  return now + POLICY.readable_ms
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
  local guess_limit, guess_wait = device_budget.guess_block(
    number.budget_of(number_state, found), now)
  local start_limit, start_wait = device_budget.start_block(
    number.budget_for(number_state, found.device), now)
  return {
    now = now, state = verification.state(found, now),
    guess_block = block(guess_limit, guess_wait), start_block = block(start_limit, start_wait),
  }
end

return verification
