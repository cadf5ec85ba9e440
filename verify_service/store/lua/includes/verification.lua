-- One verification: the code's digest, the guesses left and the expiry in one value, so that
-- eviction or a failover takes all of it or nothing.
--
--   app, number, country, reference   whose it is, the full E.164 number, an ISO code
--   digest, left       the code's keyed digest, guesses left
--   created, expires   moments
--   state              pending | approved | exhausted | canceled | failed; expired is computed
--   device             the digest of the device that it was started from, if it has a name
--   known              the number knew that device: start and guesses count in its own budget
--   test               it is a test number's: no call is placed
--   reservation        until the outcome is recorded: {limits, a list of the limits over many
--                      numbers that the start counts in; probe, whether it is the breaker's}
--   notice             what the breaker did when the outcome was recorded, for a second run
--   guesses            by nonce: {verdict, body}; body is the digest of what an Idempotency-Key
--                      stands for
--   call               state: placing | placed | unknown | failed | delivered | undelivered
--                      prefix, length: the calling number without its last four digits
--                      status, result, stamp: the provider's word, what it means (delivered |
--                      unreachable | forbidden), and when (unixtime in seconds)
--                      refunded: the start was given back for an undelivered call
--                      reason, kind, error, retry_after: of a failed call

--- @include "json"
--- @include "number"
--- @include "device_budget"

local verification = {}

-- How many guesses that were not compared keep their Idempotency-Key. They cost no check, so
-- nothing else bounds how many there are.
local MOST_UNCOMPARED = 20
local COMPARED = {right = true, wrong = true}

-- Returns the verification at a key and its text, or nil where there is none, or none of this app.
--
--   app      may be nil: any
--   beside   for a key that is not declared (json.lua)
function verification.load(key, app, beside)
  local found, text = json.read(key, beside)
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

-- Ends it. A final state can be read for a while after the end.
--
-- Returns  when its key expires
function verification.finish(found, state, now)
  found.state = state
  return now + POLICY.readable
end

-- Keeps a guess under its nonce, so that a repeat gets its verdict.
--
-- Returns  whether it is kept: of guesses that were not compared only those under an
--          Idempotency-Key, the first 20
function verification.remember_guess(found, asked, verdict)
  local guesses, uncompared = found.guesses or {}, 0
  if not COMPARED[verdict] then
    for _, guess in pairs(guesses) do
      uncompared = uncompared + (COMPARED[guess.verdict] and 0 or 1)
    end
    if not asked.body or uncompared >= MOST_UNCOMPARED then
      return false
    end
  end
  guesses[asked.nonce] = {verdict = verdict, body = asked.body}
  found.guesses = guesses
  return true
end

local function block(limit, wait)
  return limit and {limit = limit, milliseconds = wait} or nil
end

-- Returns what time and the number's budgets make of it. Python reads it beside the text that is
-- stored.
--
--   now, state    the moment, and the state at it
--   guess_block   why no guess is compared: {limit, milliseconds}; missing: nothing
--   start_block   what a next start of its device waits for
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
