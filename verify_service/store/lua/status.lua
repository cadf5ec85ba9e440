-- Reads a verification.
--
-- KEYS  1 the verification   2 its number
-- Args  {app, short_id, tag}
-- Returns {view} and the verification | {missing}
--
-- It writes only if a waiting callback matches a call that has become stale.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "calls"

decision('status', {'allow-oom'}, function(KEYS, args, now)
  local found, text = verification.load(KEYS[1], args.app)
  if not found then
    return {missing = true}
  end
  local state = number.load(KEYS[2], now)
  local matched_id, matched = calls.match(state, KEYS[2], args.tag, now, args.short_id, found)
  if matched then
    local written = json.write(keys.verification(args.tag, matched_id), matched)
    text = matched == found and written or text
    number.save(KEYS[2], state, now)
  end
  return {view = verification.view(found, state, now)}, text
end)
