-- Claims an Idempotency-Key for a request, or says whose it is.
--
-- KEYS  1 i:{name}
-- ARGV  1 policy  2 {name}  3 body digest  4 verificationId
--       5 the moment of an earlier claim to take over, or ''   6 nonce of whoever claims
-- Returns  {'mine' | 'same' | 'other', body digest, verificationId, moment,
--           1 if it should have come to something, verdict}
--
--   body, id, at   of the request that claimed it: what it said, about which verification, when
--   by             the nonce of whoever claimed it
--   verdict        of a check, where the verification does not keep it

local claim = read_hash(KEYS[1])

-- A second run, because the first one's reply was lost: it is still ours.
if claim.by == ARGV[6] then
  return {'mine', claim.body, claim.id, claim.at, 0, ''}
end

if claim.body and claim.at ~= ARGV[5] then
  local over = tonumber(claim.at) + POLICY.claiming <= NOW
  return {claim.body == ARGV[3] and 'same' or 'other', claim.body, claim.id, claim.at,
          over and 1 or 0, claim.verdict or ''}
end

local id = ARGV[4]
-- Whoever made the claim may wake up after all and reserve under its id. So that only one of us
-- has the phone rung, we try under the same. (Once a verification may have been there and have
-- gone, an id must not come again.)
if claim.body == ARGV[3] and tonumber(claim.at) + POLICY.readable > NOW then
  id = claim.id
end

-- As long as a verification can be read whose request is at work until the last moment.
local keep = POLICY.in_flight + POLICY.ttl + POLICY.readable
redis.call('HSET', KEYS[1], 'body', ARGV[3], 'id', id, 'at', text(NOW), 'by', ARGV[6])
redis.call('HDEL', KEYS[1], 'verdict')
redis.call('PEXPIREAT', KEYS[1], text(NOW + keep))
return {'mine', ARGV[3], id, text(NOW), 0, ''}
