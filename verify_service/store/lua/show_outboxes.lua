-- Shows how many events wait, and for how long. Writes nothing.
--
-- KEYS  1 restrictions   2… new events and age of each app
-- Args  {apps: names in the order of their keys}
-- Returns {outboxes: a list of {waiting: new events, and verifications with others;
--          oldest: ms since the first event, or 0;
--          off: ms for which the address stays switched off, or 0}}

--- @include "decision"
--- @include "restrictions"

decision('show_outboxes', {'no-writes'}, function(KEYS, args, now)
  local outboxes = {}
  for i, app in ipairs(args.apps) do
    local off = restrictions.get(KEYS[1], {'webhook ' .. app}, now)[1]
    local new, age = KEYS[2 * i], KEYS[2 * i + 1]
    local newest = redis.call('LRANGE', new, 0, 0)[1]
    local at = redis.call('ZRANGE', age, 0, 0, 'WITHSCORES')[2]
      or newest and cjson.decode(newest).view.now or now
    outboxes[i] = {
      waiting = redis.call('LLEN', new) + redis.call('ZCARD', age),
      oldest = math.max(0, now - tonumber(at)),
      off = math.max(0, off['until'] - now),
    }
  end
  return {outboxes = outboxes}
end)
