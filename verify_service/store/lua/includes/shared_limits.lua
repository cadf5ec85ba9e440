-- What all numbers together say of one start. It is judged first, without writing, and written
-- only where the start goes ahead: so the operator's look at a number asks the same question.
--
-- What is asked for:
--   number, country   where it goes to
--   known             from a device that verified the number before: what strangers have used up of a
--                     prefix must not keep the owner out
--   is_test           it says nothing of conversion, and nothing of the provider
--   limits            the names of the limits, in the order of their keys; behind the others 'known',
--                     the places that a prefix keeps for known devices

--- @include "restrictions"
--- @include "time_buckets"
--- @include "wide_limits"
--- @include "conversion"

local shared_limits = {}

-- Reads everything that a start may be refused by.
--
--   keys   {restrictions, conversion of the prefix, conversion of the country, limits: a list}
function shared_limits.load(keys, asked, now)
  local prefix = string.sub(asked.number, 1, -5)
  local fields = restrictions.rule_fields(asked.number)
  table.insert(fields, 1, 'conversion ' .. asked.country)
  table.insert(fields, 1, 'conversion ' .. prefix)
  table.insert(fields, 1, 'pause')
  local entries = restrictions.get(keys.restrictions, fields)
  local shared = {
    prefix = prefix, restrictions = keys.restrictions, pause = entries[1]['until'],
    places = {
      {key = keys.prefix, name = prefix, limit = 'prefix', guard = POLICY.conversion_prefix,
       entry = entries[2]},
      {key = keys.country, name = asked.country, limit = 'country',
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
  for i, place in ipairs(shared.places) do
    place.counts = conversion.parse(place.key, texts[i], now)
  end
  for i, limit in ipairs(asked.limits) do
    if limit ~= 'known' or asked.known then
      local counts = wide_limits.parse(keys.limits[i], texts[i + 2], limit, now)
      table.insert(shared.counters, {limit = limit, counts = counts,
                                     wait = wide_limits.wait(counts, limit, now)})
    end
  end
  return shared
end

-- Returns how long the guard blocks a place (ms), and the entry that it would write. It evaluates the
-- place again once no entry is in force, or once dry run was switched off.
local function conversion_block(place, now)
  local entry, guard = place.entry, place.guard
  local kind = POLICY.dry.conversion and 'would-block' or 'block'
  if entry['until'] > now and (entry.kind ~= 'would-block' or entry.kind == kind) then
    local holds = entry.kind ~= 'alarm' and guard.blocks
    return holds and entry['until'] - now or 0
  end
  local poor, started, approved = conversion.is_poor(place.counts, guard, now)
  if not poor then
    return 0
  end
  local new = {total = started, count = approved}
  if not guard.blocks then
    new.kind, new['until'] = 'alarm', now + POLICY.alarm_pause
    return 0, new
  end
  local again = entry.kind == kind and entry['until'] + POLICY.block_remembered > now
  new.kind, new.level = kind, again and entry.level + 1 or 1
  local span = math.min(POLICY.first_block * 2 ^ (new.level - 1), POLICY.longest_block)
  new['until'] = now + span
  return span, new
end

-- Returns how long a counter refuses a start (ms), and whether the start counts in it.
--
-- A known device passes a full prefix as long as the places that the prefix keeps for such devices
-- are not full too ('known', which comes behind 'prefix'); it counts there then.
local function counter_block(counter, asked, allowed, prefix_wait)
  local limit, wait = counter.limit, counter.wait
  if limit == 'prefix' and (allowed or asked.known) then
    return 0, allowed or wait == 0
  end
  if limit == 'known' then
    return math.min(wait, prefix_wait), wait == 0 and prefix_wait > 0
  end
  return wait, wait == 0
end

-- Decides about a start.
--
-- Returns  {refusals, dry, guards, counters}
--   refusals   a list of {limit, place, wait in ms}: what refuses it
--   dry        the same of limits in dry run, which refuse nothing
--   guards     {place, entry}: what the conversion guard has to write, whatever else is decided
--   counters   the counters that the start would count in
function shared_limits.judge(shared, asked, now)
  local judged = {refusals = {}, dry = {}, guards = {}, counters = {}}

  local function refuse(limit, place, wait)
    if wait > 0 then
      local list = POLICY.dry[limit] and judged.dry or judged.refusals
      list[#list + 1] = {limit = limit, place = place, wait = wait}
    end
  end

  local allowed = shared.rule and shared.rule.kind == 'allow'
  if shared.rule and not allowed then
    judged.refusals[1] = {limit = 'prefix', place = shared.rule_prefix, rule = true,
                          wait = shared.rule['until'] - now}
  end

  local guarded = not (asked.known or asked.is_test or allowed)
  for _, place in ipairs(guarded and shared.places or {}) do
    local wait, entry = conversion_block(place, now)
    if entry then
      table.insert(judged.guards, {place = place, entry = entry})
    end
    refuse('conversion', place.name, wait)
  end

  local prefix_wait = 0
  for _, counter in ipairs(shared.counters) do
    local wait, counts = counter_block(counter, asked, allowed, prefix_wait)
    local is_prefix = counter.limit == 'prefix' or counter.limit == 'known'
    refuse(is_prefix and 'prefix' or counter.limit, is_prefix and shared.prefix or '', wait)
    if counter.limit == 'prefix' and asked.known and not allowed then
      prefix_wait = counter.wait
    end
    if counts then
      table.insert(judged.counters, counter)
    end
  end
  return judged
end

-- Writes what holds also where the start is refused: the counters of a clock that stepped back, and what
-- the conversion guard decided. A new block resets the counts of its place.
--
-- Returns  the notices of it and of limits in dry run: a list of {kind, limit, place, wait in ms}
function shared_limits.write_guards(shared, judged, now)
  local notices, entries = {}, {}
  for _, counter in ipairs(shared.counters) do
    if counter.counts.stepped_back then
      time_buckets.save(counter.counts, now)
    end
  end
  for _, guard in ipairs(judged.guards) do
    local place, entry = guard.place, guard.entry
    entries['conversion ' .. place.name] = entry
    local wait = entry.kind == 'alarm' and 0 or entry['until'] - now
    table.insert(notices, {kind = entry.kind, limit = 'conversion', place = place.name, wait = wait})
    if entry.kind ~= 'alarm' then
      redis.call('DEL', place.key)
      place.counts = conversion.parse(place.key, nil, now)
    end
  end
  if next(entries) then
    restrictions.set(shared.restrictions, entries, now)
  end
  for _, refusal in ipairs(judged.dry) do
    table.insert(notices, {kind = 'dry', limit = refusal.limit, place = refusal.place,
                           wait = refusal.wait})
  end
  return notices
end

-- Counts a start that goes ahead. Returns the names of the limits that it counts in.
function shared_limits.count_start(shared, judged, asked, now)
  local names = {}
  for i, counter in ipairs(judged.counters) do
    wide_limits.count(counter.counts, now, 1, now)
    names[i] = counter.limit
  end
  for _, place in ipairs(asked.is_test and {} or shared.places) do
    conversion.count_start(place.counts, now, 1, now)
  end
  return names
end

return shared_limits
