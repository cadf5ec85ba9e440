-- Takes a callback of the provider: applies it to its call, or keeps it until its call is known.
--
-- KEYS  1 the number that the callback names
-- Asked {tag, report: {request, status, stamp, result: delivered | unreachable | forbidden}}
-- Returns {applied}
--
-- The number is the callback's own, so a callback for a foreign number finds no call. It can mark a
-- call and give a start back. It touches no code, no guess, no state of a verification.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "calls"

decision('callback', {'allow-oom'}, function(KEYS, asked, now)
  local state, report = number.load(KEYS[1], now), asked.report
  local own, found = calls.owner(state, report.request), nil
  if own then
    found = verification.load(keys.verification(asked.tag, own), nil, KEYS[1])
    if not found or not calls.apply(state, own, found, report, now) then
      return {applied = false}
    end
  else
    if not calls.hold(state, report, now) then
      return {applied = false}
    end
    own, found = calls.match(state, KEYS[1], asked.tag, now)
  end
  if found then
    json.write(keys.verification(asked.tag, own), found)
  end
  number.save(KEYS[1], state, now)
  return {applied = found ~= nil}
end)
