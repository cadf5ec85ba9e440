-- The queue of an app: its undelivered events that a process has looked at, by verification:
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

local event_queue = {}

local RULES = POLICY.outbox

-- Returns the queue of an app, with these keys in the order above.
function event_queue.at(app, entries, due, age)
  return {app = app, entries = entries, due = due, age = age, lost = 0, dropped = 0}
end

-- Returns the entry of a verification; one that is missing has no events.
function event_queue.read(queue, short_id)
  local text = redis.call('HMGET', queue.entries, short_id)[1]
  return text and cjson.decode(text) or {tries = 0, events = {}}
end

-- Writes the entry of a verification; one without events is removed.
--
--   due   when its first event may be taken
function event_queue.write(queue, short_id, entry, due)
  local first = entry.events[1]
  if not first then
    redis.call('HDEL', queue.entries, short_id)
    redis.call('ZREM', queue.due, short_id)
    redis.call('ZREM', queue.age, short_id)
    return
  end
  redis.call('HSET', queue.entries, short_id, cjson.encode(entry))
  redis.call('ZADD', queue.due, due, short_id)
  redis.call('ZADD', queue.age, first.view.now, short_id)
end

-- Removes the first event of an entry. The next one may be taken at once.
function event_queue.remove_first(queue, short_id, entry, now)
  table.remove(entry.events, 1)
  entry.tries = 0
  event_queue.write(queue, short_id, entry, now)
end

local function lose_first(queue, short_id, entry, ledger, now)
  local first = entry.events[1]
  event_queue.remove_first(queue, short_id, entry, now)
  if first then
    queue.lost = queue.lost + 1
    counts.event(ledger, first.verification, 'webhook.lost')
  end
end

-- Removes the first events of an entry that are too old.
function event_queue.drop_old(queue, short_id, entry, ledger, now)
  while entry.events[1] and entry.events[1].view.now + RULES.kept_ms <= now do
    queue.dropped = queue.dropped + 1
    counts.event(ledger, entry.events[1].verification, 'webhook.dropped')
    event_queue.remove_first(queue, short_id, entry, now)
  end
end

-- Adds an event after the others of its verification.
function event_queue.add(queue, event, ledger, now)
  local entry = event_queue.read(queue, event.short_id)
  table.insert(entry.events, event)
  if #entry.events == 1 then
    event_queue.write(queue, event.short_id, entry, math.min(event.view.now, now))
  elseif #entry.events > RULES.events then
    lose_first(queue, event.short_id, entry, ledger, now)
  else
    redis.call('HSET', queue.entries, event.short_id, cjson.encode(entry))
  end
  while redis.call('ZCARD', queue.age) > RULES.verifications do
    local oldest = redis.call('ZRANGE', queue.age, 0, 0)[1]
    lose_first(queue, oldest, event_queue.read(queue, oldest), ledger, now)
  end
end

-- Renews the TTL of the keys, and of the app's new events.
function event_queue.keep(queue, new_events, now)
  for _, key in ipairs({new_events, queue.entries, queue.due, queue.age}) do
    redis.call('PEXPIREAT', key, now + RULES.kept_ms + RULES.slack_ms)
  end
end

return event_queue
