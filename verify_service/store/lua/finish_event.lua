-- Records the result of one try.
--
-- KEYS  1 restrictions   2 counts   3 timeline   4 entries   5 due   6 age of the app's events
-- Args  {app, short_id, name and tries of the event as it was taken,
--        result: delivered | failed | dropped (failed for the last time) | gone | returned
--        wait: ms until the next try, if it failed
--        off: ms for which the address is switched off, if it is gone}
-- Returns {waiting: whether another event of the verification can be taken}
--
-- A process whose lease has ended may report late. An event that was accepted is removed all the same;
-- any other result counts only if no other process has taken the event since.

--- @include "decision"
--- @include "counts"
--- @include "event_queue"
--- @include "restrictions"
--- @include "statistics"

-- Writes what follows from the result.
local function apply(queue, args, entry, now)
  if args.result == 'delivered' or args.result == 'dropped' then
    event_queue.remove_first(queue, args.short_id, entry, now)
  elseif args.result == 'failed' then
    event_queue.write(queue, args.short_id, entry, now + args.wait)
  else
    entry.tries = args.result == 'gone' and 0 or entry.tries - 1
    event_queue.write(queue, args.short_id, entry, now)
  end
end

decision('finish_event', {'allow-oom'}, function(KEYS, args, now)
  local queue = event_queue.at(args.app, KEYS[4], KEYS[5], KEYS[6])
  local entry, result = event_queue.read(queue, args.short_id), args.result
  local event = entry.events[1]
  if not event or event.name ~= args.name
    or (result ~= 'delivered' and entry.tries ~= args.tries) then
    return {waiting = false}
  end
  if result == 'gone' then
    local off = {kind = 'off', ['until'] = now + args.off}
    restrictions.set(KEYS[1], {['webhook ' .. args.app] = off}, now)
  end
  apply(queue, args, entry, now)
  local ledger = statistics.open(KEYS[2], KEYS[3], now)
  if result == 'delivered' or result == 'dropped' then
    counts.event(ledger, event.verification, 'webhook.' .. result)
  end
  if result ~= 'delivered' and result ~= 'returned' then
    counts.event(ledger, event.verification, 'webhook.failed')
  end
  return {waiting = #entry.events > 0 and result ~= 'failed'}
end)
