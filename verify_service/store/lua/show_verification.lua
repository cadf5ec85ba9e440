-- Shows a verification of any app. Writes nothing.
--
-- KEYS  1 the verification   2 its number
-- Args  {}
-- Returns {view} and the verification | {missing}

--- @include "decision"
--- @include "number"
--- @include "verification"

decision('show_verification', {'no-writes'}, function(KEYS, _, now)
  local found, text = verification.load(KEYS[1])
  if not found then
    return {missing = true}
  end
  return {view = verification.view(found, number.load(KEYS[2], now), now)}, text
end)
