-- Shows how far limits over many numbers are used up. Writes nothing.
--
-- KEYS  one for each limit, then the conversion of each prefix among them
-- Args  {limits: names in the order of their keys}
-- Returns {usage, conversion}
--   usage        for each limit a list with {used, wait: ms until an event expires} of each window
--   conversion   for each prefix {started, approved}: its last starts, those included that may still
--                be approved

--- @include "decision"
--- @include "wide_limits"
--- @include "conversion"

decision('limit_usage', {'no-writes'}, function(KEYS, args, now)
  local shown, texts = {usage = {}, conversion = {}}, redis.call('MGET', unpack(KEYS))
  for i, limit in ipairs(args.limits) do
    local counts = wide_limits.parse(KEYS[i], texts[i], limit, now)
    shown.usage[i] = wide_limits.usage(counts, limit, now)
  end
  for i = #args.limits + 1, #KEYS do
    local started, approved = conversion.total(conversion.parse(KEYS[i], texts[i], now))
    table.insert(shown.conversion, {started = started, approved = approved})
  end
  return shown
end)
