-- Lists the restrictions in force: blocks, exemptions, pauses and alarms.
--
-- KEYS  1 restrictions   2 breaker
-- Args  {}
-- Returns {suspended: ms until the breaker's pause ends, or 0; open: whether the breaker is open;
--          since: the moment at which it opened, if known;
--          entries: a list of {field, kind, since, wait in ms, level, total, count}}

--- @include "decision"
--- @include "breaker"
--- @include "restrictions"

decision('list_restrictions', {'no-writes'}, function(KEYS, _, now)
  local entries = {}
  for field, entry in pairs(restrictions.all(KEYS[1], now)) do
    if entry['until'] > now then
      -- A block that was written before dry run was switched on refuses no start.
      local dry_run = string.find(field, '^conversion ') and entry.kind == 'block'
        and POLICY.dry_run.conversion
      table.insert(entries, {
        field = field, kind = dry_run and 'would-block' or entry.kind, wait = entry['until'] - now,
        since = entry.span and entry['until'] - entry.span,
        level = entry.level, total = entry.total, count = entry.count})
    end
  end
  local breaker_state = breaker.load(KEYS[2], now)
  local open = breaker_state ~= nil and breaker_state['until'] ~= nil
  return {suspended = breaker.wait(breaker_state, now), open = open,
          since = open and breaker_state.since and math.min(breaker_state.since, now) or nil,
          entries = entries}
end)
