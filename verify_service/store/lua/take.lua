-- Takes one start's place in every wide limit, or refuses and takes none.
--
-- KEYS  1 r:{wide}   2 p:{wide}   3 c:{wide}:<prefix>   4 c:{wide}:<country>   5… one per limit
-- ARGV  1 policy (JSON)  2 {wide}  3 number (E.164)  4 prefix  5 country
--       6 '1' where nobody is called, so that it says nothing of conversion
--       7… the limits' names, as many as there are keys from 5 on
-- Policy  windows {name: [[count, ms] …]}   dry {name: true}   remembered, alarm_pause
--         ttl, conversion_span, first_block, longest_block
--         prefix, country: {least, share, blocks}
-- Returns  {'taken', moment, notices, which}     which: '1' or '0' for each key from 5 on
--          {'refused', limit, wait in ms, notices} | {'paused', wait in ms, notices}
--          a notice: kind, limit, place, ms; flat

local RULES, number, prefix, country = KEYS[1], ARGV[3], ARGV[4], ARGV[5]
local notices = {}

local function notice(kind, limit, place, milliseconds)
  for _, word in ipairs({kind, limit, place, milliseconds}) do
    notices[#notices + 1] = word
  end
end

local paused = redis.call('PTTL', KEYS[2])
if paused > 0 then
  return {'paused', paused, notices}
end

local refusal, longest = '', 0

-- Whether the start passes this limit.
local function passes(limit, wait, place)
  if wait <= 0 then
    return true
  end
  if POLICY.dry[limit] then
    notice('dry', limit, place, wait)
  elseif wait > longest then
    refusal, longest = limit, wait
  end
  return false
end

local rule = operators_rule(RULES, number)
local allowed = rule and rule.kind == 'allow'
if rule and rule.kind == 'block' then
  refusal, longest = 'prefix', rule.till - NOW
end

-- How long the guard blocks a place. It looks at the numbers anew where it does not.
local function blocked_for(key, place, limit)
  local field = 'conversion ' .. place
  local entry = read_rule(redis.call('HGET', RULES, field) or '')
  if entry.till > NOW then
    return entry.kind == 'block' and limit.blocks and entry.till - NOW or 0
  end
  local buckets = load_conversion(key)
  if not is_poor(buckets, limit) then
    return 0
  end
  if not limit.blocks then
    write_rule(RULES, field, 'alarm', NOW + POLICY.alarm_pause, 0)
    notice('alarm', 'conversion', place, 0)
    return 0
  end
  local level = entry.till + POLICY.remembered > NOW and entry.level + 1 or 1
  local span = math.min(POLICY.first_block * 2 ^ (level - 1), POLICY.longest_block)
  write_rule(RULES, field, 'block', NOW + span, level)
  redis.call('DEL', key)
  notice('blocked', 'conversion', place, span)
  return span
end

if ARGV[6] ~= '1' and not allowed then
  passes('conversion', blocked_for(KEYS[3], prefix, POLICY.prefix), prefix)
  passes('conversion', blocked_for(KEYS[4], country, POLICY.country), country)
end

local counters, which = {}, {}
for i = 5, #KEYS do
  local limit = ARGV[i + 2]
  counters[i] = load_windows(KEYS[i], POLICY.windows[limit])
  local exempt = allowed and limit == 'prefix'
  local room = exempt or passes(limit, wait_for(counters[i]), limit == 'prefix' and prefix or '')
  which[i - 4] = room and '1' or '0'
end

if refusal ~= '' then
  return {'refused', refusal, longest, notices}
end

for i = 5, #KEYS do
  if which[i - 4] == '1' then
    count_one(counters[i])
    save_windows(KEYS[i], counters[i])
  end
end
if ARGV[6] ~= '1' then
  for _, key in ipairs({KEYS[3], KEYS[4]}) do
    local buckets = load_conversion(key)
    count_started(buckets, NOW, 1)
    save_conversion(key, buckets)
  end
end
return {'taken', NOW, notices, table.concat(which)}
