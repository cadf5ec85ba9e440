-- The outboxes: for each app with an address, the events that its receiver has not accepted yet.
--
-- An event is a change of a verification. The function that makes the change writes its event, so one
-- is never there without the other. An outbox has three keys:
--   entries   a hash: by short id the undelivered events of a verification, as JSON
--             {tries: how often the first one was taken, events: a list, the oldest first}
--   due       a sorted set: short ids by the moment at which the first event may be taken
--   age       a sorted set: short ids by the moment of the first event
-- Only the first event of a verification is ever taken, so its events are delivered in order.
--
-- An event is {id, type, at, verification, view}: the verification as it was at the change, with the
-- masked number and without what proves or guesses the code.
--
-- Bounds (POLICY.outbox): `verifications` of an app, `events` of a verification. The oldest event falls
-- out first. An event that is older than `kept_ms` is dropped; the keys expire `slack_ms` later.

--- @include "counts"
--- @include "keys"
--- @include "verification"

local outbox = {}

local RULES = POLICY.outbox

-- Returns the outbox of an app with these keys, in the order above.
function outbox.at(app, names)
  return {app = app, entries = names[1], due = names[2], age = names[3], lost = 0}
end

-- Returns the outbox of a verification's app; nil if the app has no address. To be called before the
-- first write: the keys are not declared, so they are read together with one that is (json.lua).
function outbox.of(found, declared)
  if not found or not found.webhook then
    return nil
  end
  local box = outbox.at(found.app, keys.outbox(found.app))
  redis.call('MGET', declared, box.entries, box.due, box.age)
  return box
end

-- Returns the undelivered events of a verification, or nil.
function outbox.read(box, short_id)
  local text = redis.call('HMGET', box.entries, short_id)[1]
  return text and cjson.decode(text) or nil
end

-- Writes the entry of a verification; one without events is removed.
--
--   due   when its first event may be taken
function outbox.write(box, short_id, entry, due)
  local first = entry.events[1]
  if not first then
    redis.call('HDEL', box.entries, short_id)
    redis.call('ZREM', box.due, short_id)
    redis.call('ZREM', box.age, short_id)
    return
  end
  redis.call('HSET', box.entries, short_id, cjson.encode(entry))
  redis.call('ZADD', box.due, due, short_id)
  redis.call('ZADD', box.age, first.at, short_id)
end

-- Removes the first event of an entry. The next one may be taken at once.
function outbox.remove_first(box, short_id, entry, now)
  table.remove(entry.events, 1)
  entry.tries = 0
  outbox.write(box, short_id, entry, now)
end

local function lose_first(box, short_id, entry, ledger, now)
  local first = entry.events[1]
  outbox.remove_first(box, short_id, entry, now)
  if first then
    box.lost = box.lost + 1
    counts.event(ledger, first.verification, 'webhook.lost')
  end
end

-- Removes the oldest events while the outbox has more verifications than it may have.
local function fit(box, ledger, now)
  while redis.call('ZCARD', box.age) > RULES.verifications do
    local oldest = redis.call('ZRANGE', box.age, 0, 0)[1]
    lose_first(box, oldest, outbox.read(box, oldest) or {events = {}}, ledger, now)
  end
end

-- Masks a number as domain/numbers.py does.
local function mask(number)
  local head = math.max(0, math.min(4, #number - 7))
  return string.sub(number, 1, head + 1) .. string.rep('•', #number - head - 3)
    .. string.sub(number, -2)
end

-- Returns the name of a change, by which repeats are recognized: a verification has no other one of
-- this name. It ends once, and each report that changes its call is newer than the one before.
local function name_of(found, kind)
  local reported = kind == 'delivered' or kind == 'undelivered'
  return reported and kind .. '_' .. string.format('%.0f', found.call.stamp) or kind
end

local function new_event(found, short_id, kind, name, number_state, now)
  local id = short_id .. found.webhook
  return {
    id = 'evt_' .. id .. '_' .. name, type = kind, at = now,
    verification = {
      id = id, number = mask(found.number), app = found.app, country = found.country,
      reference = found.reference, left = found.left, created = found.created,
      expires = found.expires, state = found.state, test = found.test, call = found.call,
    },
    view = verification.view(found, number_state, now),
  }
end

-- Adds an event of a verification.
--
--   box      from outbox.of; nothing happens without one
--   kind     delivered | undelivered | approved | exhausted | canceled | failed
--   ledger   from statistics.lua, or nil
--   name     of the event, if it is no change
function outbox.add(box, found, short_id, kind, number_state, ledger, now, name)
  if not box then
    return
  end
  local entry = outbox.read(box, short_id) or {tries = 0, events = {}}
  name = name or name_of(found, kind)
  table.insert(entry.events, new_event(found, short_id, kind, name, number_state, now))
  if #entry.events == 1 then
    outbox.write(box, short_id, entry, now)
    fit(box, ledger, now)
  elseif #entry.events > RULES.events then
    lose_first(box, short_id, entry, ledger, now)
  else
    redis.call('HSET', box.entries, short_id, cjson.encode(entry))
  end
  local expires_at = now + RULES.kept_ms + RULES.slack_ms
  for _, key in ipairs({box.entries, box.due, box.age}) do
    redis.call('PEXPIREAT', key, expires_at)
  end
  box.changed = true
end

-- Returns what Python has to know of the outboxes that a decision added events to: a list of
-- {app, lost: events that fell out}; nil if there is none.
function outbox.news(...)
  local news
  for i = 1, select('#', ...) do
    local box = select(i, ...)
    if box and box.changed then
      news = news or {}
      table.insert(news, {app = box.app, lost = box.lost})
    end
  end
  return news
end

return outbox
