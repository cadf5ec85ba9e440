-- Adds an event that says how a verification stands, under an id of its own.
--
-- KEYS  1 the verification   2 its number
-- Args  {}
-- Returns {name: of the event, outboxes: from outbox.added} | {missing}
--         | {refused: address (the app had none when the verification began) | unchanged (nothing has
--           happened yet that is an event)}

--- @include "decision"
--- @include "keys"
--- @include "number"
--- @include "outbox"
--- @include "statistics"
--- @include "verification"

local EVENTS = {approved = true, exhausted = true, canceled = true, failed = true,
                delivered = true, undelivered = true}

decision('resend_event', {}, function(KEYS, _, now)
  local found = verification.load(KEYS[1])
  if not found then
    return {missing = true}
  end
  local state, box = number.load(KEYS[2], now), outbox.of(found, KEYS[1])
  local kind = EVENTS[found.state] and found.state or found.call.state
  if not box or not EVENTS[kind] then
    return {refused = box and 'unchanged' or 'address'}
  end
  local ledger = statistics.find(KEYS[1], now)
  local name = kind .. '_resent_' .. string.format('%.0f', now)
  outbox.add(box, found, keys.short_id(KEYS[1]), kind, verification.view(found, state, now), ledger,
             name)
  return {name = name, outboxes = outbox.added(box)}
end)
