-- Pauses all calls for a span of time.
--
-- KEYS  1 restrictions
-- Args  {span: ms}
-- Returns {}

--- @include "decision"
--- @include "restrictions"

decision('pause', {'allow-oom'}, function(KEYS, args, now)
  restrictions.set(KEYS[1], {pause = {kind = 'pause', ['until'] = now + args.span}}, now)
  return {}
end)
