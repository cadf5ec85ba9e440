-- Counts a wrong token of the console. The count begins again at the end of its span.
--
-- KEYS  1 wrong tokens
-- Args  {span: ms}
-- Returns {count: of this span, this token included, wait: ms until it ends}

--- @include "decision"
--- @include "json"

decision('count_wrong_token', {'allow-oom'}, function(KEYS, args, now)
  local state = json.read(KEYS[1])
  -- More time left than the span has: the clock stepped back.
  if not state or state['until'] <= now or state['until'] > now + args.span then
    state = {count = 0, ['until'] = now + args.span}
  end
  state.count = state.count + 1
  json.write(KEYS[1], state, state['until'])
  return {count = state.count, wait = state['until'] - now}
end)
