-- Takes one start's place in every wide limit, or refuses and takes none.
--
-- KEYS  1 r:{wide}   2 p:{wide}   3 t:{wide}:<start>   4 c:{wide}:<prefix>   5 c:{wide}:<country>
--       6… one per limit; behind a prefix' own, where a device is named, that of the places kept
--       for known devices
-- ARGV  1 policy (JSON)  2 {wide}  3 number (E.164)  4 prefix  5 country
--       6 '1' where nobody is called, so that it says nothing of conversion
--       7 '1' where the start names a device
--       8… the limits' names, as many as there are keys from 6 on
-- Policy  the second shape of base.lua
-- Returns  {'taken' | 'refused', moment, which, notices, to a stranger, to a known device}
--          | {'paused', wait in ms}
--          which: '1' or '0' for each key from 6 on
--          a notice: kind, limit, place, ms; flat
--          to a stranger, to a known device: {limit that refuses it or '', wait in ms, notices}
--
-- A device has a lane of its own with a number that knows it, and only the number's slot can tell.
-- So a start that names one is let through where a known device's would be. Where it turns out to
-- be a stranger's, whoever asked refuses it in the stranger's words, and gives back what it took.
--
-- Safe to repeat: t:{wide}:<start> keeps what was taken, for as long as the start can be at work.

local RULES, TICKET, number, prefix, country = KEYS[1], KEYS[3], ARGV[3], ARGV[4], ARGV[5]
local nobody_called, device = ARGV[6] == '1', ARGV[7] == '1'

local earlier = redis.call('GET', TICKET)
if earlier then
  return cjson.decode(earlier)
end

local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then
  return {'paused', paused}
end

local notices = {}
local stranger, known = {'', 0, {}}, {'', 0, {}}

local function notice(list, kind, limit, place, milliseconds)
  for _, word in ipairs({kind, limit, place, milliseconds}) do
    list[#list + 1] = word
  end
end

-- Of several that refuse one of the two, the one that does for longest is told.
local function refuse(whom, limit, place, wait)
  if POLICY.dry[limit] then
    notice(whom[3], 'dry', limit, place, wait)
  elseif wait > whom[2] then
    whom[1], whom[2] = limit, wait
  end
end

local rule = operators_rule(RULES, number)
local allowed = rule and rule.kind == 'allow'
if rule and rule.kind == 'block' then
  for _, whom in ipairs({stranger, known}) do
    whom[1], whom[2] = 'prefix', rule.till - NOW
  end
end

-- How long the guard blocks a place. It looks at the numbers anew where it does not: also where a
-- dry run only says what it would block, and the run is over.
local function blocked_for(key, place, limit)
  local field = 'conversion ' .. place
  local entry = read_rule(redis.call('HGET', RULES, field) or '')
  local kind = POLICY.dry.conversion and 'would-block' or 'block'
  if entry.till > NOW and (entry.kind ~= 'would-block' or entry.kind == kind) then
    return entry.kind ~= 'alarm' and limit.blocks and entry.till - NOW or 0
  end
  local buckets = load_conversion(key)
  if not is_poor(buckets, limit) then
    return 0
  end
  if not limit.blocks then
    write_rule(RULES, field, 'alarm', NOW + POLICY.alarm_pause, 0)
    notice(notices, 'alarm', 'conversion', place, 0)
    return 0
  end
  local again = entry.kind == kind and entry.till + POLICY.remembered > NOW
  local level = again and entry.level + 1 or 1
  local span = math.min(POLICY.first_block * 2 ^ (level - 1), POLICY.longest_block)
  write_rule(RULES, field, kind, NOW + span, level)
  redis.call('DEL', key)
  notice(notices, kind, 'conversion', place, span)
  return span
end

-- A block is for strangers: they could lock the owner out with it.
if not nobody_called and not allowed then
  for i, place in ipairs({prefix, country}) do
    local limit = i == 1 and POLICY.prefix or POLICY.country
    local wait = blocked_for(KEYS[3 + i], place, limit)
    if wait > 0 then
      refuse(stranger, 'conversion', place, wait)
    end
  end
end

local counters, which, full = {}, {}, 0
for i = 6, #KEYS do
  local limit = ARGV[i + 2]
  counters[i] = load_windows(KEYS[i], POLICY.windows[limit])
  local wait = wait_for(counters[i])
  local room = wait <= 0
  if limit == 'prefix' and allowed then
    room = true
  elseif limit == 'prefix' and not room then
    full = wait
    refuse(stranger, 'prefix', prefix, wait)
  elseif limit == 'known' and full == 0 then
    room = false  -- not needed
  elseif limit == 'known' and not room then
    refuse(known, 'prefix', prefix, math.min(wait, full))
  elseif not room then
    refuse(stranger, limit, '', wait)
    refuse(known, limit, '', wait)
  end
  which[i - 5] = room and '1' or '0'
end

local function reply(verdict)
  return {verdict, text(NOW), table.concat(which), notices, stranger, known}
end

if (device and known or stranger)[1] ~= '' then
  return reply('refused')
end

for i = 6, #KEYS do
  if which[i - 5] == '1' then
    count_one(counters[i])
    save_windows(KEYS[i], counters[i])
  end
end
if not nobody_called then
  for _, key in ipairs({KEYS[4], KEYS[5]}) do
    local buckets = load_conversion(key)
    count_started(buckets, NOW, 1)
    save_conversion(key, buckets)
  end
end
local taken = reply('taken')
redis.call('SET', TICKET, cjson.encode(taken), 'PXAT', text(NOW + POLICY.ticket))
return taken
