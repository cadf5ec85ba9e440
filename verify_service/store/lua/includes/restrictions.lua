-- The restrictions: blocks, exemptions, pauses and alarms of the guards and the operator, and the
-- addresses that are switched off, in one hash.
--
--   pause                all calls                                the operator's
--   rule <prefix>        kind block | allow                       the operator's
--   conversion <scope>   kind block | would-block (dry run) | alarm   the conversion guard's
--   alarm failureRate    kind alarm; not raised again before its end
--   webhook <app>        kind off, after a 410                    its receiver's
--
-- Each field is an object: {kind, until, span, level, total, count}. span is the milliseconds that
-- `until` was away when it was set: if the clock stepped back, the entry ends after its span from now.
-- level is the number of a guard's blocks in a row: each is twice as long. total and count are the
-- guard's evidence: starts, and how many of them were approved; or guesses, and how many were wrong. An
-- entry is kept for a day after its end, for the next level.

local restrictions = {}

local NONE = {['until'] = 0}

-- Returns the entry in a text, and whether its end was moved because the clock stepped back.
local function read(text, now)
  if not text then
    return NONE, false
  end
  local entry = cjson.decode(text)
  local stepped_back = entry.span ~= nil and entry['until'] > now + entry.span
  if stepped_back then
    entry['until'] = now + entry.span
  end
  return entry, stepped_back
end

-- Returns the entries of some fields, in their order; a missing one has ended at 0. Then those by field
-- whose end was moved, for a caller that writes to set, so that they do not begin again.
function restrictions.get(key, fields, now)
  local found, moved = redis.call('HMGET', key, unpack(fields)), {}
  for i, field in ipairs(fields) do
    local stepped_back
    found[i], stepped_back = read(found[i], now)
    moved[field] = stepped_back and found[i] or nil
  end
  return found, moved
end

-- Returns every entry by its field.
function restrictions.all(key, now)
  local flat, entries = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do
    entries[flat[i]] = read(flat[i + 1], now)
  end
  return entries
end

-- Writes entries, and deletes those that are no longer needed.
function restrictions.set(key, new, now)
  local last, entries = 0, restrictions.all(key, now)
  for field, entry in pairs(new) do
    entry.span = math.max(0, entry['until'] - now)
    entries[field] = entry
    redis.call('HSET', key, field, cjson.encode(entry))
  end
  for field, entry in pairs(entries) do
    local kept_until = entry['until'] + POLICY.block_memory_ms
    if kept_until <= now then
      redis.call('HDEL', key, field)
    end
    last = math.max(last, kept_until)
  end
  redis.call('PEXPIREAT', key, last)
end

function restrictions.remove(key, fields)
  redis.call('HDEL', key, unpack(fields))
end

-- Returns the fields of the operator's rules that match a number, the longest prefix first.
function restrictions.rule_fields(number)
  local fields = {}
  for length = #number, 2, -1 do
    fields[#fields + 1] = 'rule ' .. string.sub(number, 1, length)
  end
  return fields
end

return restrictions
