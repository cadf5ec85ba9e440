-- Reads a verification as it stands.
--
-- KEYS  1 the verification   2 its number
-- Asked {app, own, tag}
-- Returns {view} and the verification | {missing}
--
-- It writes only where a waiting callback can be matched with a call that time has made lost.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "verification"
--- @include "calls"

decision('status', {'allow-oom'}, function(KEYS, asked, now)
  local found, text = verification.load(KEYS[1], asked.app)
  if not found then
    return {missing = true}
  end
  local state = number.load(KEYS[2], now)
  local own_bound, lost = calls.match(state, KEYS[2], asked.tag, now, asked.own, found)
  if lost then
    local written = json.write(keys.verification(asked.tag, own_bound), lost)
    text = lost == found and written or text
    number.save(KEYS[2], state, now)
  end
  return {view = verification.view(found, state, now)}, text
end)
