-- Applies a callback of the provider to its call, or keeps it until its call is known.
--
-- KEYS  1 the number that the callback names
-- Args  {tag, report: {request, status, stamp, result: delivered | unreached | forbidden}}
-- Returns {applied, outboxes: from outbox.added}
--
-- The key is of the callback's number, so a callback for a foreign number finds no call. A callback
-- can mark a call and refund a start. It changes no code, no guess and no verification's state.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "calls"
--- @include "statistics"
--- @include "counts"
--- @include "outbox"

decision('callback', {'allow-oom'}, function(KEYS, args, now)
  local state, report = number.load(KEYS[1], now), args.report
  local short_id, found, before, came = calls.owner(state, report.request), nil, nil, now
  if short_id then
    found = verification.load(keys.verification(args.tag, short_id), nil, KEYS[1])
    before = found and found.call.state
    if not found or not calls.apply(state, short_id, found, report, now) then
      return {applied = false}
    end
  else
    if not calls.keep_waiting(state, report, now) then
      return {applied = false}
    end
    short_id, found, came = calls.match(state, KEYS[1], args.tag, now)
  end
  local ledger = found and statistics.find(KEYS[1], now)
  local box = outbox.of(found, KEYS[1])
  if found then
    outbox.add(box, found, short_id, found.call.state, verification.view(found, state, now),
               ledger)
    json.write(keys.verification(args.tag, short_id), found)
  end
  number.save(KEYS[1], state, now)
  if found then
    counts.reported(ledger, found, short_id, before, came)
  end
  return {applied = found ~= nil, outboxes = outbox.added(box)}
end)
