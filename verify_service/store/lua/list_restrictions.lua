-- Lists what is blocked, allowed, paused and under alarm now.
--
-- KEYS  1 restrictions   2 breaker
-- Asked {}
-- Returns {suspended: ms that the breaker pauses calls, or 0; open: whether it does,
--          entries: a list of {field, kind, wait in ms, level, total, count}}

--- @include "decision"
--- @include "breaker"
--- @include "restrictions"

decision('list_restrictions', {'no-writes'}, function(KEYS, _, now)
  local entries = {}
  for field, entry in pairs(restrictions.all(KEYS[1])) do
    if entry['until'] > now then
      -- A block from before the dry run refuses no start now.
      local dry = string.find(field, '^conversion ') and entry.kind == 'block'
        and POLICY.dry.conversion
      table.insert(entries, {
        field = field, kind = dry and 'would-block' or entry.kind, wait = entry['until'] - now,
        level = entry.level, total = entry.total, count = entry.count})
    end
  end
  local breaker_state = breaker.load(KEYS[2], now)
  return {suspended = breaker.wait(breaker_state, now), open = breaker_state ~= nil and breaker_state['until'] ~= nil,
          entries = entries}
end)
