-- The undelivered events of an app that a process has looked at, by verification:
--
--   entries   a hash: by short id {tries: how often the first event was taken, events: a list, the
--             oldest first}, as JSON
--   due       a sorted set: short ids by the moment at which the first event may be taken
--   age       a sorted set: short ids by the moment of the first event
--
-- Only the first event of a verification is ever taken, so its events are delivered in order.
--
-- Bounds (POLICY.outbox): `verifications` of an app, `events` of a verification. The oldest event falls
-- out first. An event that is older than `kept_ms` is dropped; the keys expire `slack_ms` later.

--- @include "counts"

local deliveries = {}

local RULES = POLICY.outbox

-- Returns the deliveries of an app with these keys, in the order above.
function deliveries.at(app, entries, due, age)
  return {app = app, entries = entries, due = due, age = age, lost = 0, dropped = 0}
end

-- Returns the entry of a verification; one that is missing has no events.
function deliveries.read(box, short_id)
  local text = redis.call('HMGET', box.entries, short_id)[1]
  return text and cjson.decode(text) or {tries = 0, events = {}}
end

-- Writes the entry of a verification; one without events is removed.
--
--   due   when its first event may be taken
function deliveries.write(box, short_id, entry, due)
  local first = entry.events[1]
  if not first then
    redis.call('HDEL', box.entries, short_id)
    redis.call('ZREM', box.due, short_id)
    redis.call('ZREM', box.age, short_id)
    return
  end
  redis.call('HSET', box.entries, short_id, cjson.encode(entry))
  redis.call('ZADD', box.due, due, short_id)
  redis.call('ZADD', box.age, first.view.now, short_id)
end

-- Removes the first event of an entry. The next one may be taken at once.
function deliveries.remove_first(box, short_id, entry, now)
  table.remove(entry.events, 1)
  entry.tries = 0
  deliveries.write(box, short_id, entry, now)
end

local function lose_first(box, short_id, entry, ledger, now)
  local first = entry.events[1]
  deliveries.remove_first(box, short_id, entry, now)
  if first then
    box.lost = box.lost + 1
    counts.event(ledger, first.verification, 'webhook.lost')
  end
end

-- Removes the first events of an entry that are too old.
function deliveries.drop_old(box, short_id, entry, ledger, now)
  while entry.events[1] and entry.events[1].view.now + RULES.kept_ms <= now do
    box.dropped = box.dropped + 1
    counts.event(ledger, entry.events[1].verification, 'webhook.dropped')
    deliveries.remove_first(box, short_id, entry, now)
  end
end

-- Adds an event after the others of its verification.
function deliveries.add(box, event, ledger, now)
  local entry = deliveries.read(box, event.short_id)
  table.insert(entry.events, event)
  if #entry.events == 1 then
    deliveries.write(box, event.short_id, entry, math.min(event.view.now, now))
  elseif #entry.events > RULES.events then
    lose_first(box, event.short_id, entry, ledger, now)
  else
    redis.call('HSET', box.entries, event.short_id, cjson.encode(entry))
  end
  while redis.call('ZCARD', box.age) > RULES.verifications do
    local oldest = redis.call('ZRANGE', box.age, 0, 0)[1]
    lose_first(box, oldest, deliveries.read(box, oldest), ledger, now)
  end
end

-- Renews the TTL of the keys, and of the app's new events.
function deliveries.keep(box, new_events, now)
  for _, key in ipairs({new_events, box.entries, box.due, box.age}) do
    redis.call('PEXPIREAT', key, now + RULES.kept_ms + RULES.slack_ms)
  end
end

return deliveries
