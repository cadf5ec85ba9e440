-- A limit over many numbers, at one place: its windows are series of one key.

--- @include "time_buckets"

local wide_limits = {}

-- Returns the windows of a limit in the text of its key, as they are now.
function wide_limits.parse(key, text, limit, now)
  return time_buckets.parse(key, text, POLICY.series[limit], now)
end

-- Milliseconds until every window lets one more through; 0 where they do.
function wide_limits.wait(counts, limit, now)
  local wait = 0
  for _, window in ipairs(POLICY.windows[limit]) do
    wait = math.max(wait, time_buckets.wait(counts, window.series, window.count, now))
  end
  return wait
end

-- For each window: how many events it has, and milliseconds until it has room for one more than it
-- has now; 0 where it is empty.
function wide_limits.usage(counts, limit, now)
  local usage = {}
  for i, window in ipairs(POLICY.windows[limit]) do
    local used = time_buckets.total(counts, window.series)
    local next_count = math.max(1, math.min(used, window.count))
    usage[i] = {used = used, wait = time_buckets.wait(counts, window.series, next_count, now)}
  end
  return usage
end

-- Counts a start of a moment in every window, or with -1 takes it out again; writes them.
function wide_limits.count(counts, moment, starts, now)
  for _, name in ipairs(counts.group.names) do
    time_buckets.add(counts, name, moment, starts)
  end
  time_buckets.save(counts, now)
end

return wide_limits
