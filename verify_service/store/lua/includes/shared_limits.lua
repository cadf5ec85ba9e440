-- The limits and guards over many numbers, for one start. A start is judged first, without a write,
-- and counted only if it goes ahead, so show_number.lua uses the same functions.
--
-- A start is {number, country, known, is_test, limits}:
--   known     from a device that verified the number before: what strangers have used of a prefix
--             must not keep the owner out
--   is_test   of a test number: it is not counted in the conversion
--   limits    the names of the limits, in the order of their keys; 'known', the starts of a prefix
--             that are reserved for known devices, is the last

--- @include "restrictions"
--- @include "time_buckets"
--- @include "wide_limits"
--- @include "conversion"

local shared_limits = {}

-- Reads everything that may refuse a start.
--
--   keys   {restrictions, conversion of the prefix, conversion of the country, limits: a list}
function shared_limits.load(keys, start, now)
  local prefix = string.sub(start.number, 1, -5)
  local fields = restrictions.rule_fields(start.number)
  table.insert(fields, 1, 'conversion ' .. start.country)
  table.insert(fields, 1, 'conversion ' .. prefix)
  table.insert(fields, 1, 'pause')
  local entries, moved = restrictions.get(keys.restrictions, fields, now)
  local shared = {
    prefix = prefix, restrictions = keys.restrictions, pause = entries[1]['until'],
    moved = moved,
    scopes = {
      {key = keys.prefix, name = prefix, limit = 'prefix', guard = POLICY.conversion_prefix,
       entry = entries[2]},
      {key = keys.country, name = start.country, limit = 'country',
       guard = POLICY.conversion_country, entry = entries[3]},
    },
    counters = {},
  }
  for i = 4, #entries do
    if entries[i]['until'] > now then
      shared.rule, shared.rule_prefix = entries[i], string.sub(fields[i], 6)
      break
    end
  end
  local texts = redis.call('MGET', keys.prefix, keys.country, unpack(keys.limits))
  for i, scope in ipairs(shared.scopes) do
    scope.counts = conversion.parse(scope.key, texts[i], now)
  end
  for i, limit in ipairs(start.limits) do
    if limit ~= 'known' or start.known then
      local counts = wide_limits.parse(keys.limits[i], texts[i + 2], limit, now)
      table.insert(shared.counters, {limit = limit, counts = counts,
                                     wait = wide_limits.wait(counts, limit, now)})
    end
  end
  return shared
end

-- Returns how long the guard blocks a scope (ms), and the entry to write, if any. It evaluates the
-- scope again once no entry is in force, or once dry run was switched off.
local function conversion_block(scope, now)
  local entry, guard = scope.entry, scope.guard
  local kind = POLICY.dry_run.conversion and 'would-block' or 'block'
  if entry['until'] > now and (entry.kind ~= 'would-block' or entry.kind == kind) then
    local blocks = entry.kind ~= 'alarm' and guard.blocks
    return blocks and entry['until'] - now or 0
  end
  local poor, started, approved = conversion.is_poor(scope.counts, guard, now)
  if not poor then
    return 0
  end
  local new = {total = started, count = approved}
  if not guard.blocks then
    new.kind, new['until'] = 'alarm', now + POLICY.alarm_repeat_ms
    return 0, new
  end
  local again = entry.kind == kind and entry['until'] + POLICY.block_memory_ms > now
  new.kind, new.level = kind, again and entry.level + 1 or 1
  local span = math.min(POLICY.first_block_ms * 2 ^ (new.level - 1), POLICY.longest_block_ms)
  new['until'] = now + span
  return span, new
end

-- Returns how long a counter refuses a start (ms), and whether the start counts in it.
--
-- A known device passes a full prefix while the starts reserved for such devices ('known', which
-- follows 'prefix') are not used up. Such a start counts in 'known'.
local function counter_block(counter, start, allowed, prefix_wait)
  local limit, wait = counter.limit, counter.wait
  if limit == 'prefix' and (allowed or start.known) then
    return 0, allowed or wait == 0
  end
  if limit == 'known' then
    return math.min(wait, prefix_wait), wait == 0 and prefix_wait > 0
  end
  return wait, wait == 0
end

-- Decides about a start.
--
-- Returns  {block, refusals, dry, guards, counters}
--   block      {scope, wait in ms}: the operator's block of a prefix, which goes before any limit; or nil
--   refusals   a list of {limit, scope, wait in ms}: the limits and guards that refuse it
--   dry        the same of limits in dry run, which refuse nothing
--   guards     a list of {scope, entry}: what the conversion guard writes, even if the start is refused
--   counters   the counters that the start would count in
function shared_limits.judge(shared, start, now)
  local judged = {refusals = {}, dry = {}, guards = {}, counters = {}}

  local function refuse(limit, scope, wait)
    if wait > 0 then
      local list = POLICY.dry_run[limit] and judged.dry or judged.refusals
      list[#list + 1] = {limit = limit, scope = scope, wait = wait}
    end
  end

  local allowed = shared.rule and shared.rule.kind == 'allow'
  if shared.rule and not allowed then
    judged.block = {scope = shared.rule_prefix, wait = shared.rule['until'] - now}
  end

  local guarded = not (start.known or start.is_test or allowed)
  for _, scope in ipairs(guarded and shared.scopes or {}) do
    local wait, entry = conversion_block(scope, now)
    if entry then
      table.insert(judged.guards, {scope = scope, entry = entry})
    end
    refuse('conversion', scope.name, wait)
  end

  local prefix_wait = 0
  for _, counter in ipairs(shared.counters) do
    local wait, counts = counter_block(counter, start, allowed, prefix_wait)
    local is_prefix = counter.limit == 'prefix' or counter.limit == 'known'
    refuse(is_prefix and 'prefix' or counter.limit, is_prefix and shared.prefix or '', wait)
    if counter.limit == 'prefix' and start.known and not allowed then
      prefix_wait = counter.wait
    end
    if counts then
      table.insert(judged.counters, counter)
    end
  end
  return judged
end

-- Writes what is written even if the start is refused: counters and restrictions after the clock stepped
-- back, and the decisions of the conversion guard. A new block resets the counts of its scope.
--
-- Returns  notices of the guard and of limits in dry run: a list of {kind, limit, scope, wait in ms}
function shared_limits.write_guards(shared, judged, now)
  local notices, entries = {}, shared.moved
  for _, counter in ipairs(shared.counters) do
    if counter.counts.stepped_back then
      time_buckets.save(counter.counts, now)
    end
  end
  for _, guard in ipairs(judged.guards) do
    local scope, entry = guard.scope, guard.entry
    entries['conversion ' .. scope.name] = entry
    local wait = entry.kind == 'alarm' and 0 or entry['until'] - now
    table.insert(notices, {kind = entry.kind, limit = 'conversion', scope = scope.name, wait = wait})
    if entry.kind ~= 'alarm' then
      redis.call('DEL', scope.key)
      scope.counts = conversion.parse(scope.key, nil, now)
    end
  end
  if next(entries) then
    restrictions.set(shared.restrictions, entries, now)
  end
  for _, refusal in ipairs(judged.dry) do
    table.insert(notices, {kind = 'dry', limit = refusal.limit, scope = refusal.scope,
                           wait = refusal.wait})
  end
  return notices
end

-- Counts a start that goes ahead. Returns the names of the limits that it counts in.
function shared_limits.count_start(shared, judged, start, now)
  local names = {}
  for i, counter in ipairs(judged.counters) do
    wide_limits.count(counter.counts, now)
    names[i] = counter.limit
  end
  for _, scope in ipairs(start.is_test and {} or shared.scopes) do
    conversion.count_start(scope.counts, now, 1, now)
  end
  return names
end

return shared_limits
