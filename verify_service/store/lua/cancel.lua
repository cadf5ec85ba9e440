-- Cancels a pending verification. A final state does not change.
--
-- KEYS  1 the verification   2 its number
-- Args  {app}
-- Returns {view, outboxes: from outbox.added} and the verification | {missing}

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "statistics"
--- @include "counts"
--- @include "timeline"
--- @include "outbox"

decision('cancel', {'allow-oom'}, function(KEYS, args, now)
  local found, text = verification.load(KEYS[1], args.app)
  if not found then
    return {missing = true}
  end
  local state, box = number.load(KEYS[2], now), outbox.of(found, KEYS[1])
  if verification.state(found, now) == 'pending' then
    local ledger = statistics.find(KEYS[1], now)
    local expires_at = verification.finish(found, 'canceled', now)
    outbox.add(box, found, keys.short_id(KEYS[1]), 'canceled', verification.view(found, state, now),
               ledger)
    text = json.write(KEYS[1], found, expires_at)
    counts.event(ledger, found, 'canceled')
    timeline.add(ledger, found, keys.short_id(KEYS[1]), 'canceled')
  elseif verification.expire(found, now) then
    text = json.write(KEYS[1], found)
  end
  return {view = verification.view(found, state, now), outboxes = outbox.added(box)}, text
end)
