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
-- hour in its name.
--
-- An event's name ends in its detail: failed.account, refused.prefix, undelivered.REJECTED. The times
-- from start to delivered and to approved are buckets, one event each (delivered.10: within 10 s, and
-- not within the bucket before; delivered.inf: later). Members of another release are kept.
--
-- Bounds, whatever happens (POLICY.counts, domain/counts.py): once the first hash has `fields` fields of
-- whatever kind and hour, an event that would add one is counted under the country 'other', so that
-- then only new apps and scopes add to them. `scopes_per_limit` scopes of one limit in an hour, the
-- others under 'other', and the most frequent `scopes` of a record.

--- @include "keys"
--- @include "timeline"

local counts = {}

local RULES = POLICY.counts
local HOUR_MS, HOURS_OF_A_DAY = 3600000, 24
local OTHER = 'other'
-- Redis searches a small hash field by field, unless a value is longer than 64 bytes: in one of 500
-- fields HINCRBY takes 4.7 us, with this value 0.6.
local ABOUT = '<hour>|<app>|<country>|<event>: the hours that are not in {verify}:counts:past yet'

-- Returns the ledger of a decision: where it counts (here), and where it logs (timeline.lua).
function counts.open(counts_key, timeline_key, now)
  return {counts = counts_key, timeline = timeline_key, hour = math.floor(now / HOUR_MS), now = now}
end

-- Returns the same for a decision that does not declare the keys, before its first write. Returns nil
-- while a cluster migrates the slot and one of them is on the other node: the event is then not
-- counted, because a callback that is refused may be lost.
function counts.find(declared, now)
  local reply = redis.pcall('MGET', declared, keys.counts, keys.timeline)
  return not reply.err and counts.open(keys.counts, keys.timeline, now) or nil
end

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

-- Adds a field of the hash, without its hour, to records. The total has no scopes.
local function add_to_records(records, name, number)
  local app, country, event = string.match(name, '^([^|]*)|([^|]*)|(.*)$')
  for _, record in ipairs(records) do
    if event then
      add_to(record.app, event, app, number)
      add_to(record.country, event, country, number)
    elseif record ~= records.total and string.find(name, ' ', 1, true) then
      record.scopes[name] = (record.scopes[name] or 0) + number
    end
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

local function read_record(past_key, name)
  local text = redis.call('HMGET', past_key, name)[1]
  local record = text and cjson.decode(text) or {}
  record.app, record.country = record.app or {}, record.country or {}
  record.scopes = record.scopes or {}
  return record
end

-- Returns the records to which the fields of other hours belong, with them, by name; and those fields.
local function roll(ledger, past_key)
  local records, of_hour, moved = {}, {}, {}
  local flat = redis.call('HGETALL', ledger.counts)
  for i = 1, #flat, 2 do
    local hour, name = string.match(flat[i], '^(%d+)|(.*)$')
    if hour and tonumber(hour) ~= ledger.hour then
      moved[#moved + 1] = flat[i]
      if not of_hour[hour] then
        local day = 'day ' .. math.floor(hour / HOURS_OF_A_DAY)
        of_hour[hour] = {}
        for _, period in ipairs({'hour ' .. hour, day, 'total'}) do
          records[period] = records[period] or read_record(past_key, period)
          table.insert(of_hour[hour], records[period])
        end
        of_hour[hour].total = records.total
      end
      add_to_records(of_hour[hour], name, tonumber(flat[i + 1]))
    end
  end
  return records, moved
end

-- Returns the fields of the records that are too old, or too far in the future: the clock was wrong.
local function outdated(ledger, past_key)
  local found = {}
  local kept = {hour = {ledger.hour, RULES.hours},
                day = {math.floor(ledger.hour / HOURS_OF_A_DAY), RULES.days}}
  for _, field in ipairs(redis.call('HKEYS', past_key)) do
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

-- Moves the fields of other hours to the records, unless this was done in this hour.
local function roll_up(ledger, past_key)
  if tonumber(redis.call('HMGET', ledger.counts, 'hour')[1]) == ledger.hour then
    return
  end
  local records, moved = roll(ledger, past_key)
  local old = outdated(ledger, past_key)
  for name, record in pairs(records) do
    cut_scopes(record)
    redis.call('HSET', past_key, name, cjson.encode(record))
  end
  delete_fields(past_key, old)
  delete_fields(ledger.counts, moved)
  redis.call('HSET', ledger.counts, 'hour', ledger.hour, 'about', ABOUT)
  redis.call('PEXPIREAT', past_key, expires_at(ledger.now))
end

-- Counts an event of a verification or of a start.
--
--   of         {app, country, test}: nothing is counted of a test number
--   past_key   if the decision declares it, it may roll up
function counts.event(ledger, of, event, past_key)
  if not ledger or of.test then
    return
  end
  local field = ledger.hour .. '|' .. of.app .. '|' .. of.country .. '|' .. event
  local is_new = add(ledger, field)
  if is_new and past_key then
    roll_up(ledger, past_key)
  end
  if is_new and redis.call('HLEN', ledger.counts) > RULES.fields then
    redis.call('HDEL', ledger.counts, field)
    add(ledger, ledger.hour .. '|' .. of.app .. '|' .. OTHER .. '|' .. event)
  end
end

-- Counts an event and the time since the verification was created, at a moment.
function counts.timed_event(ledger, found, event, moment)
  local bucket, buckets = 'inf', RULES.buckets
  for i = 1, #buckets do
    if moment - found.created <= buckets[i] * 1000 then
      bucket = buckets[i]
      break
    end
  end
  counts.event(ledger, found, event .. '.' .. bucket)
end

-- Counts and logs the status that a callback gave to a call. A call is counted once as undelivered, by
-- its first status, and once as delivered; one that is delivered after all is also counted as recovered.
--
--   before   the call's state before it
--   came     when the callback was received
function counts.reported(ledger, found, short_id, before, came)
  local call = found.call
  timeline.add(ledger, found, short_id, call.state, call.status)
  if call.state == 'delivered' and before ~= 'delivered' then
    counts.timed_event(ledger, found, 'delivered', came)
    if before == 'undelivered' then
      counts.event(ledger, found, 'recovered')
    end
  elseif call.state == 'undelivered' and before ~= 'undelivered' then
    counts.event(ledger, found, 'undelivered.' .. call.status)
  end
end

local function count_scope(ledger, limit, scope)
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
--   limit   the limit's name, 'paused' or 'breaker'
--   scope   of a limit over many numbers, or nil
function counts.refusal(ledger, past_key, of, limit, scope)
  counts.event(ledger, of, 'refused.' .. limit, past_key)
  if scope and not of.test then
    count_scope(ledger, limit, scope)
  end
end

return counts
