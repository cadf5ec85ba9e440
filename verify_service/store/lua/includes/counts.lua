-- Counts what happens per hour and per day, and in total: in the decision itself, in bounded memory.
--
-- Two hashes:
--   counts   the hours that are not in the records yet, mostly the present one: a number by
--            <hour>|<app>|<country>|<event>, and of refused starts by <hour>|<limit> <scope>.
--            <hour>|<limit> is the number of its scopes. hour: the hour of the last roll-up
--   past     records as JSON: 'hour <n>', 'day <n>' and 'total', where <n> is hours or days since
--            1970. A record is {app: {event: {app: number}}, country: {event: {country: number}},
--            scopes: {'<limit> <scope>': number}}; 'total' has no scopes
--
-- An event increments one field. The first start, or refused start, of an hour moves the fields of
-- other hours to the records of their hour, their day and the total, and deletes old records. So a
-- number is in one place only, and the total never decreases. The clock may step: a field has its
-- hour in its name. A record that cannot be read begins again.
--
-- An event's name ends in its detail: failed.account, refused.prefix, undelivered.REJECTED. The times
-- from start to delivered and to approved are buckets, one event each (delivered.10: within 10 s, and
-- not within the bucket before; delivered.inf: later). Members of another release are kept.
--
-- Bounds, whatever happens (POLICY.counts, domain/counts.py): once the first hash has `fields` fields of
-- whatever kind and hour, an event that would add one is counted under the country 'other', so that
-- then only new apps and scopes add to them. `scopes_per_limit` scopes of one limit in an hour, the
-- others under 'other', and the most frequent `scopes` of a record.

--- @include "statistics"
--- @include "timeline"

local counts = {}

local RULES = POLICY.counts
local HOURS_OF_A_DAY = 24
local OTHER = 'other'
-- Redis searches a small hash field by field, unless a value is longer than 64 bytes: in one of 500
-- fields HINCRBY takes 4.7 us, with this value 0.6.
local ABOUT = '<hour>|<app>|<country>|<event>: the hours that are not in {verify}:counts:past yet'

local function expires_at(now)
  return now + RULES.kept_ms
end

-- Adds one to a field. Returns whether it is new: then it renews the TTLs.
local function add(ledger, field)
  local is_new = redis.call('HINCRBY', ledger.counts, field, '1') == 1
  if is_new then
    redis.call('PEXPIREAT', ledger.counts, expires_at(ledger.now))
    redis.call('PEXPIREAT', ledger.timeline, expires_at(ledger.now))
  end
  return is_new
end

local function add_to(group, event, member, number)
  local numbers = group[event] or {}
  group[event], numbers[member] = numbers, (numbers[member] or 0) + number
end

-- Adds an entry to a record. The total has no scopes.
local function add_entry(record, name, entry)
  if entry.event then
    add_to(record.app, entry.event, entry.app, entry.number)
    add_to(record.country, entry.event, entry.country, entry.number)
  elseif name ~= 'total' and string.find(entry.scope, ' ', 1, true) then
    record.scopes[entry.scope] = (record.scopes[entry.scope] or 0) + entry.number
  end
end

-- Keeps the most frequent scopes of a record.
local function cut_scopes(record)
  local names = {}
  for name in pairs(record.scopes or {}) do
    names[#names + 1] = name
  end
  table.sort(names, function(one, other)
    return record.scopes[one] > record.scopes[other]
  end)
  for i = RULES.scopes + 1, #names do
    record.scopes[names[i]] = nil
  end
end

-- Returns a record with these entries added, as JSON.
local function add_entries(text, name, entries)
  local record = cjson.decode(text)
  record.app, record.country = record.app or {}, record.country or {}
  record.scopes = record.scopes or {}
  for _, entry in ipairs(entries) do
    add_entry(record, name, entry)
  end
  cut_scopes(record)
  return cjson.encode(record)
end

-- Returns the new text of a record. One that cannot be read begins again.
local function update(ledger, name, entries)
  local stored = redis.call('HMGET', ledger.past, name)[1]
  local is_read, text = pcall(add_entries, stored or '{}', name, entries)
  return is_read and text or add_entries('{}', name, entries)
end

-- Returns the fields of other hours as entries, by the names of the records to which they belong; and
-- those fields.
local function of_other_hours(ledger)
  local entries, records, moved = {}, {}, {}
  local flat = redis.call('HGETALL', ledger.counts)
  for i = 1, #flat, 2 do
    local hour, name = string.match(flat[i], '^(%d+)|(.*)$')
    if hour and tonumber(hour) ~= ledger.hour then
      moved[#moved + 1] = flat[i]
      local app, country, event = string.match(name, '^([^|]*)|([^|]*)|(.*)$')
      local entry = {app = app, country = country, event = event, scope = name,
                     number = tonumber(flat[i + 1]) or 0}
      records[hour] = records[hour]
        or {'hour ' .. hour, 'day ' .. math.floor(hour / HOURS_OF_A_DAY), 'total'}
      for _, record in ipairs(records[hour]) do
        entries[record] = entries[record] or {}
        table.insert(entries[record], entry)
      end
    end
  end
  return entries, moved
end

-- Returns the fields of the records that are too old, or too far in the future: the clock was wrong.
local function outdated(ledger)
  local found = {}
  local kept = {hour = {ledger.hour, RULES.hours},
                day = {math.floor(ledger.hour / HOURS_OF_A_DAY), RULES.days}}
  for _, field in ipairs(redis.call('HKEYS', ledger.past)) do
    local kind, at = string.match(field, '^(%a+) (%d+)$')
    if kept[kind] and math.abs(kept[kind][1] - at) >= kept[kind][2] then
      found[#found + 1] = field
    end
  end
  return found
end

local function delete_fields(key, fields)
  for first = 1, #fields, 1000 do
    redis.call('HDEL', key, unpack(fields, first, math.min(#fields, first + 999)))
  end
end

-- Moves the fields of other hours to the records, unless this was done in this hour. `hour` is written
-- first, so that an error is not repeated at each new field.
local function roll_up(ledger)
  if tonumber(redis.call('HMGET', ledger.counts, 'hour')[1]) == ledger.hour then
    return
  end
  redis.call('HSET', ledger.counts, 'hour', ledger.hour, 'about', ABOUT)
  local entries, moved = of_other_hours(ledger)
  local records, old = {}, outdated(ledger)
  for name, added in pairs(entries) do
    records[name] = update(ledger, name, added)
  end
  for name, text in pairs(records) do
    redis.call('HSET', ledger.past, name, text)
  end
  delete_fields(ledger.past, old)
  delete_fields(ledger.counts, moved)
  redis.call('PEXPIREAT', ledger.past, expires_at(ledger.now))
end

local function add_event(ledger, of, event)
  local field = ledger.hour .. '|' .. of.app .. '|' .. of.country .. '|' .. event
  local is_new = add(ledger, field)
  if is_new and ledger.past then
    roll_up(ledger)
  end
  if is_new and redis.call('HLEN', ledger.counts) > RULES.fields then
    redis.call('HDEL', ledger.counts, field)
    add(ledger, ledger.hour .. '|' .. of.app .. '|' .. OTHER .. '|' .. event)
  end
end

local function add_timed_event(ledger, found, event, moment)
  local bucket, buckets = 'inf', RULES.buckets
  for i = 1, #buckets do
    if moment - found.created <= buckets[i] * 1000 then
      bucket = buckets[i]
      break
    end
  end
  add_event(ledger, found, event .. '.' .. bucket)
end

-- Counts an event of a verification or of a start, {app, country, test}.
counts.event = statistics.guarded(add_event)

-- Counts an event and the time since the verification was created, at a moment.
counts.timed_event = statistics.guarded(add_timed_event)

-- Counts and logs the status that a callback gave to a call. A call is counted once as undelivered, by
-- its first status, and once as delivered; one that is delivered after all is also counted as recovered.
--
--   before   the call's state before it
--   came     when the callback was received
counts.reported = statistics.guarded(function(ledger, found, short_id, before, came)
  local call = found.call
  timeline.add(ledger, found, short_id, call.state, call.status)
  if call.state == 'delivered' and before ~= 'delivered' then
    add_timed_event(ledger, found, 'delivered', came)
    if before == 'undelivered' then
      add_event(ledger, found, 'recovered')
    end
  elseif call.state == 'undelivered' and before ~= 'undelivered' then
    add_event(ledger, found, 'undelivered.' .. call.status)
  end
end)

local function add_scope(ledger, limit, scope)
  local of_limit = ledger.hour .. '|' .. limit
  local field = of_limit .. ' ' .. scope
  if add(ledger, field) then
    local scopes = redis.call('HINCRBY', ledger.counts, of_limit, '1')
    if scopes > RULES.scopes_per_limit then
      redis.call('HDEL', ledger.counts, field)
      add(ledger, of_limit .. ' ' .. OTHER)
    end
  end
end

-- Counts a start that was refused.
--
--   limit   the limit's name, 'blocked', 'paused' or 'breaker'
--   scope   of a limit over many numbers, or of the operator's block; or nil
counts.refusal = statistics.guarded(function(ledger, of, limit, scope)
  add_event(ledger, of, 'refused.' .. limit)
  if scope then
    add_scope(ledger, limit, scope)
  end
end)

return counts
