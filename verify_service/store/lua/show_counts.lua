-- Reads the counts.
--
-- KEYS  1 counts   2 past counts
-- Args  {hours, days: how many of the newest, the present ones included}
-- Returns {now, current: the fields of the counts and their values in turn,
--          records: of the past counts by field, as they are stored}

--- @include "decision"

local HOUR_MS, DAY_MS = 3600000, 86400000

decision('show_counts', {'no-writes'}, function(KEYS, args, now)
  local fields = {'total'}
  for back = 0, args.hours - 1 do
    table.insert(fields, 'hour ' .. math.floor(now / HOUR_MS) - back)
  end
  for back = 0, args.days - 1 do
    table.insert(fields, 'day ' .. math.floor(now / DAY_MS) - back)
  end
  local records = {}
  for i, text in ipairs(redis.call('HMGET', KEYS[2], unpack(fields))) do
    records[fields[i]] = text or nil
  end
  return {now = now, current = redis.call('HGETALL', KEYS[1]), records = records}
end)
