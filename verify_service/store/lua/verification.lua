-- One verification.
--
--   app, number, ref1…      whose it is, the full E.164 number, the reference in pieces
--   digest, left            the code's keyed digest, guesses left
--   created, expires        moments
--   took                    which of the wide limits' places the start took (start.lua)
--   counted                 when they counted it, where another server's clock says so
--   state                   pending | approved | exhausted | canceled | failed; expired is computed
--   call                    placing | placed | unknown | failed | delivered | undelivered
--   prefix, length          the calling number without its last four digits
--   bound                   its requestId is known
--   status, stamp           the provider's word for the call, and when (unixtime in seconds)
--   waived                  gave its quota back
--   error, pause, why1…     of a failed call: errorCode, seconds to wait, the reason in pieces
--   test                    it is a test number's: nobody is called
--   probe                   it is the breaker's: the only one that was let through
--   device                  the digest of the device that it was started from, if it has a name
--   known                   the device was known then: start and guesses are its own lane's
--   by                      the nonce of the request that reserved it, where others may try to
--   try:<nonce>             the verdict of a guess, for a repeat of the same request

-- Returns the hash with its key and own name, or nil.
local function load_verification(own)
  local key = 'v:' .. SLOT .. ':' .. own
  local verification = read_hash(key)
  if not verification.app then
    return nil
  end
  verification.key, verification.own = key, own
  return verification
end

local function state_of(verification)
  if verification.state == 'pending' and tonumber(verification.expires) <= NOW then
    return 'expired'
  end
  return verification.state
end

-- Keeps the arguments from `first` on, pieces of one text, each short enough for the hash's
-- compact form.
local function set_pieces(key, name, first)
  for i = first, #ARGV do
    redis.call('HSET', key, name .. i - first + 1, ARGV[i])
  end
end

-- Final states stay readable for a while after the end.
local function finish(verification, state)
  redis.call('HSET', verification.key, 'state', state)
  redis.call('PEXPIREAT', verification.key, text(NOW + POLICY.readable))
end

-- The answer of most scripts: what it came to, the moment, the state, what bars its guesses, what a
-- next start of its device waits for, the verification's hash as it is now, flat, and whatever a
-- script has to add.
local function view(verdict, number, key, more)
  local flat = redis.call('HGETALL', key)
  local verification = to_hash(flat)
  local barred, barred_wait = guess_limit(lane_of(number, verification))
  local limit, limit_wait = start_limit(lane_for(number, verification.device or ''))
  return {verdict, NOW, state_of(verification), barred, barred_wait, limit, limit_wait, flat, more}
end
