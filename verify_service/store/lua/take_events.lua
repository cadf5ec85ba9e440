-- Takes events that are due out of the outboxes, each for one try under a lease.
--
-- KEYS  1 restrictions   2 counts   3 timeline   4… entries, due and age of each outbox
-- Args  {apps: names in the order of their keys, room: how many to take for each, lease: ms}
-- Returns {deliveries: a list of {app, short_id, tries: this one included, event},
--          dropped: by app, how many events were too old}
--
-- Until its lease ends, no other process takes an event. A process that was killed does not finish its
-- delivery, so another one takes the event after that: it is delivered at least once.

--- @include "decision"
--- @include "counts"
--- @include "outbox"
--- @include "restrictions"
--- @include "statistics"

-- Removes the events of an entry that are too old. Returns how many.
local function drop_old(box, short_id, entry, ledger, now)
  local dropped = 0
  while entry.events[1] and entry.events[1].at + POLICY.outbox.kept_ms <= now do
    counts.event(ledger, entry.events[1].verification, 'webhook.dropped')
    dropped = dropped + 1
    outbox.remove_first(box, short_id, entry, now)
  end
  return dropped
end

local function due_now(box, room, now)
  return redis.call('ZRANGE', box.due, '-inf', now, 'BYSCORE', 'LIMIT', 0, room)
end

local function take(box, room, lease, ledger, result, now)
  for _, short_id in ipairs(due_now(box, room, now)) do
    local entry = outbox.read(box, short_id) or {events = {}}
    local dropped = drop_old(box, short_id, entry, ledger, now)
    if dropped > 0 then
      result.dropped[box.app] = (result.dropped[box.app] or 0) + dropped
    end
    if entry.events[1] then
      entry.tries = entry.tries + 1
      table.insert(result.deliveries, {
        app = box.app, short_id = short_id, tries = entry.tries, event = entry.events[1]})
    end
    outbox.write(box, short_id, entry, now + lease)
  end
end

decision('take_events', {'allow-oom'}, function(KEYS, args, now)
  local off = {}
  for i, app in ipairs(args.apps) do
    off[i] = restrictions.get(KEYS[1], {'webhook ' .. app}, now)[1]['until'] > now
  end
  local ledger = statistics.open(KEYS[2], KEYS[3], now)
  local result = {deliveries = {}, dropped = {}}
  for i, app in ipairs(args.apps) do
    if not off[i] then
      local box = outbox.at(app, {unpack(KEYS, 3 * i + 1, 3 * i + 3)})
      take(box, args.room[i], args.lease, ledger, result, now)
    end
  end
  return result
end)
