-- Shows how many verifications have undelivered events. Writes nothing.
--
-- KEYS  1 restrictions   2… age of each outbox
-- Args  {apps: names in the order of their keys}
-- Returns {outboxes: a list of {waiting: verifications, oldest: ms since the first event, or 0,
--          off: ms for which the address stays switched off, or 0}}

--- @include "decision"
--- @include "restrictions"

decision('show_outboxes', {'no-writes'}, function(KEYS, args, now)
  local outboxes = {}
  for i, app in ipairs(args.apps) do
    local off = restrictions.get(KEYS[1], {'webhook ' .. app}, now)[1]
    local at = redis.call('ZRANGE', KEYS[i + 1], 0, 0, 'WITHSCORES')[2]
    outboxes[i] = {
      waiting = redis.call('ZCARD', KEYS[i + 1]),
      oldest = at and math.max(0, now - tonumber(at)) or 0,
      off = math.max(0, off['until'] - now),
    }
  end
  return {outboxes = outboxes}
end)
