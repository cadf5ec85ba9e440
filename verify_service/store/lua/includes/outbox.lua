-- Writes events: for each app with an address, the changes of its verifications, oldest first.
--
-- The function that makes a change writes its event, so one is never there without the other. It only
-- appends it to a list, because logins wait for it; take_events.lua does all the rest. A list and not a
-- stream: XADD takes longer, and consumer groups know neither an order within a verification nor pauses.
--
-- An event is {name, short_id, verification, view}: the verification as it was at the change, with the
-- masked number and without what proves or guesses the code. view.now is the moment. The name begins
-- with the type. Two thirds of what an event costs (docs/performance.md) is its cjson.encode.

--- @include "counts"
--- @include "keys"

local outbox = {}

local RULES = POLICY.outbox

-- Returns the outbox of a verification's app; nil if the app has no address. To be called before the
-- first write: the key is not declared, so it is read together with one that is (json.lua).
function outbox.of(found, declared)
  if not found or not found.webhook then
    return nil
  end
  local key = keys.new_events(found.app)
  redis.call('EXISTS', declared, key)
  return {app = found.app, key = key}
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

-- Appends an event to a list, and returns the length. A key of another type, which no release writes, is
-- deleted: it must prevent neither the change nor its event.
local function push(key, event)
  local length = redis.pcall('RPUSH', key, event)
  if type(length) == 'number' then
    return length
  end
  keys.delete_other_type(key, 'LLEN')
  return redis.call('RPUSH', key, event)
end

-- Adds an event of a verification.
--
--   box      from outbox.of; nothing happens without one. box.lost: how many events fell out
--   kind     delivered | undelivered | approved | exhausted | canceled | failed
--   view     the verification's, at this moment
--   ledger   from statistics.lua, or nil
--   name     of the event, if it is no change
function outbox.add(box, found, short_id, kind, view, ledger, name)
  if not box then
    return
  end
  local length = push(box.key, cjson.encode({
    name = name or name_of(found, kind), short_id = short_id, view = view,
    verification = {
      app = found.app, number = mask(found.number), country = found.country,
      reference = found.reference, left = found.left, created = found.created,
      expires = found.expires, test = found.test, webhook = found.webhook, call = found.call,
    },
  }))
  if length == 1 then
    redis.call('PEXPIREAT', box.key, view.now + RULES.kept_ms + RULES.slack_ms)
  end
  box.lost = 0
  if length > RULES.verifications then
    redis.call('LTRIM', box.key, 1, -1)
    box.lost = 1
    counts.event(ledger, found, 'webhook.lost')
  end
end

-- Returns the apps whose outboxes a decision added events to, each with how many fell out; nil if there
-- is none. A decision has at most two outboxes, which may be of one app.
function outbox.added(box, other)
  local lost = box and box.lost and {[box.app] = box.lost}
  if other and other.lost then
    lost = lost or {}
    lost[other.app] = (lost[other.app] or 0) + other.lost
  end
  return lost or nil
end

return outbox
