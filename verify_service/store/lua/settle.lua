-- Keeps the verdict of the check that an Idempotency-Key stands for.
--
-- KEYS  1 i:{name}
-- ARGV  1 policy  2 {name}  3 moment of the claim  4 verdict
-- Returns  {'settled' | 'unchanged'}

if redis.call('HGET', KEYS[1], 'at') ~= ARGV[3] then
  return {'unchanged'}
end
redis.call('HSET', KEYS[1], 'verdict', ARGV[4])
return {'settled'}
