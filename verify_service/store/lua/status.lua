-- Reads a verification.
--
-- KEYS  1 the verification   2 its number
-- Args  {app, short_id, tag}
-- Returns {view, outboxes: from outbox.added} and the verification | {missing}
--
-- It writes only if a waiting callback matches a call that has become stale, if the verification is seen
-- to have expired for the first time, and if the clock stepped back.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "calls"
--- @include "statistics"
--- @include "counts"
--- @include "outbox"

decision('status', {'allow-oom'}, function(KEYS, args, now)
  local found, text = verification.load(KEYS[1], args.app)
  if not found then
    return {missing = true}
  end
  local state, _, stepped_back = number.load(KEYS[2], now)
  local matched_id, matched, came = calls.match(state, KEYS[2], args.tag, now, args.short_id, found)
  local ledger = matched and statistics.find(KEYS[1], now)
  local box = outbox.of(matched, KEYS[1])
  if matched then
    outbox.add(box, matched, matched_id, matched.call.state,
               verification.view(matched, state, now), ledger)
  end
  if verification.expire(found, now) or matched == found then
    text = json.write(KEYS[1], found)
  elseif matched then
    json.write(keys.verification(args.tag, matched_id), matched)
  end
  if matched or stepped_back then
    number.save(KEYS[2], state, now)
  end
  if matched then
    counts.reported(ledger, matched, matched_id, nil, came)
  end
  return {view = verification.view(found, state, now), outboxes = outbox.added(box)}, text
end)
