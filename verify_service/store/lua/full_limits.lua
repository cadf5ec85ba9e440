-- Finds the limits over many numbers that are full.
--
-- KEYS  one for each limit
-- Args  {limits: names in the order of their keys}
-- Returns {full: a list of {key: its place among the keys, from 1; usage: of each window {used, wait: ms
--          until an event expires}}}

--- @include "decision"
--- @include "wide_limits"

decision('full_limits', {'no-writes'}, function(KEYS, args, now)
  local full, texts = {}, redis.call('MGET', unpack(KEYS))
  for i, limit in ipairs(args.limits) do
    local counts = wide_limits.parse(KEYS[i], texts[i], limit, now)
    if wide_limits.wait(counts, limit, now) > 0 then
      table.insert(full, {key = i, usage = wide_limits.usage(counts, limit, now)})
    end
  end
  return {full = full}
end)
