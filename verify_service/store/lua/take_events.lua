-- Takes events that are due, each for one try under a lease.
--
-- KEYS  1 restrictions   2 counts   3 timeline   4… new events, entries, due and age of each app
-- Args  {apps: names in the order of their keys, room: how many to take for each, lease: ms}
-- Returns {events: a list of {app, short_id, tries: this one included, event},
--          dropped, lost: by app, how many events were too old, and how many fell out}
--
-- Until its lease ends, no other process takes an event. A process that was killed does not finish its
-- try, so another one takes the event after that: it is delivered at least once. A second run takes
-- other events. Those of the first, whose reply was lost, wait for the end of their lease.

--- @include "decision"
--- @include "event_queue"
--- @include "restrictions"
--- @include "statistics"

-- New events that one call sorts in. Redis serves no one else meanwhile.
local NEW_EVENTS = 100

-- Moves new events to the entries of their verifications. Renews the TTL of all keys: outbox.lua sets
-- that of the new events only with the first one, because logins wait for it.
local function sort_in(queue, key, ledger, now)
  local new = redis.call('LRANGE', key, 0, NEW_EVENTS - 1)
  for _, text in ipairs(new) do
    event_queue.add(queue, cjson.decode(text), ledger, now)
  end
  if #new > 0 then
    redis.call('LTRIM', key, #new, -1)
    event_queue.keep(queue, key, now)
  end
end

-- Returns the short ids that are due, the oldest first. No event waits longer than it is kept: one that
-- seems to was written before the clock stepped back.
local function list_due(queue, room, now)
  local due = redis.call('ZRANGE', queue.due, '-inf', now, 'BYSCORE', 'LIMIT', 0, room)
  local longest = string.format('(%.0f', now + POLICY.outbox.kept_ms)
  local ahead = redis.call('ZRANGE', queue.due, longest, '+inf', 'BYSCORE', 'LIMIT', 0, room - #due)
  for _, short_id in ipairs(ahead) do
    table.insert(due, short_id)
  end
  return due
end

local function take(queue, room, lease, ledger, taken, now)
  for _, short_id in ipairs(list_due(queue, room, now)) do
    local entry = event_queue.read(queue, short_id)
    event_queue.drop_old(queue, short_id, entry, ledger, now)
    if entry.events[1] then
      entry.tries = entry.tries + 1
      table.insert(taken, {
        app = queue.app, short_id = short_id, tries = entry.tries, event = entry.events[1]})
    end
    event_queue.write(queue, short_id, entry, now + lease)
  end
end

decision('take_events', {'allow-oom'}, function(KEYS, args, now)
  local off = {}
  for i, app in ipairs(args.apps) do
    off[i] = restrictions.get(KEYS[1], {'webhook ' .. app}, now)[1]['until'] > now
  end
  local ledger = statistics.open(KEYS[2], KEYS[3], now)
  local result = {events = {}, dropped = {}, lost = {}}
  for i, app in ipairs(args.apps) do
    local queue = event_queue.at(app, KEYS[4 * i + 1], KEYS[4 * i + 2], KEYS[4 * i + 3])
    sort_in(queue, KEYS[4 * i], ledger, now)
    if not off[i] then
      take(queue, args.room[i], args.lease, ledger, result.events, now)
    end
    result.dropped[app] = queue.dropped > 0 and queue.dropped or nil
    result.lost[app] = queue.lost > 0 and queue.lost or nil
  end
  return result
end)
