-- Shows how far limits over many numbers are used up. Writes nothing.
--
-- KEYS  one for each limit
-- Args  {limits: names in the order of their keys}
-- Returns {usage: for each key a list with {used, wait: ms until an event expires} of each window}

--- @include "decision"
--- @include "wide_limits"

decision('limit_usage', {'no-writes'}, function(KEYS, args, now)
  local usage, texts = {}, redis.call('MGET', unpack(KEYS))
  for i, limit in ipairs(args.limits) do
    usage[i] = wide_limits.usage(wide_limits.parse(KEYS[i], texts[i], limit, now), limit, now)
  end
  return {usage = usage}
end)
