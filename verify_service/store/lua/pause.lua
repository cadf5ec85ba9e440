-- Pauses all calls for a time.
--
-- KEYS  1 restrictions
-- Asked {span: ms}
-- Returns {}

--- @include "decision"
--- @include "restrictions"

decision('pause', {'allow-oom'}, function(KEYS, asked, now)
  restrictions.set(KEYS[1], {pause = {kind = 'pause', ['until'] = now + asked.span}}, now)
  return {}
end)
