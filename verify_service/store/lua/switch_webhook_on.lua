-- Switches the address of an app on again. Events that wait for another try are due at once.
--
-- KEYS  1 restrictions   2 due
-- Args  {app, lease: ms}
-- Returns {was_off}

--- @include "decision"
--- @include "restrictions"

decision('switch_webhook_on', {'allow-oom'}, function(KEYS, args, now)
  local field = 'webhook ' .. args.app
  local was_off = restrictions.get(KEYS[1], {field}, now)[1]['until'] > now
  -- An event that another process has taken is due within a lease.
  local after_leases = string.format('(%.0f', now + args.lease)
  local later = redis.call('ZRANGE', KEYS[2], after_leases, '+inf', 'BYSCORE')
  restrictions.remove(KEYS[1], {field})
  for _, short_id in ipairs(later) do
    redis.call('ZADD', KEYS[2], now, short_id)
  end
  return {was_off = was_off}
end)
