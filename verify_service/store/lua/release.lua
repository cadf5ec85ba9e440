-- Lets an Idempotency-Key go, if it is still the caller's.
--
-- KEYS  1 i:{name}
-- ARGV  1 policy  2 {name}  3 moment of the claim
-- Returns  {'released' | 'unchanged'}

if redis.call('HGET', KEYS[1], 'at') ~= ARGV[3] then
  return {'unchanged'}
end
redis.call('DEL', KEYS[1])
return {'released'}
