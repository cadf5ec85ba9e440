-- What all numbers together say of one start: judged first, and written only where it goes ahead.
--
-- A script that asks takes, behind what is its own,
--   KEYS  r:{wide}   p:{wide}   b:{wide}   c:{wide}:<prefix>   c:{wide}:<country>   and one per
--         limit; behind the prefix' own, where a device is named, that of the places kept for known
--         devices
--   ARGV  prefix, country, the limits' names in the order of their keys

local OTHERS = 5  -- keys ahead of the limits'

local function read_question(first_key, first_arg)
  local asked = {
    rules = KEYS[first_key], pause = KEYS[first_key + 1],
    gate = POLICY.breaker and read_gate(KEYS[first_key + 2]) or {failures = 0},
    places = {{key = KEYS[first_key + 3], name = ARGV[first_arg], guard = POLICY.prefix},
              {key = KEYS[first_key + 4], name = ARGV[first_arg + 1], guard = POLICY.country}},
    prefix = ARGV[first_arg], counters = {},
  }
  for i = first_key + OTHERS, #KEYS do
    local limit = ARGV[first_arg + 2 + i - first_key - OTHERS]
    asked.counters[#asked.counters + 1] =
      {key = KEYS[i], limit = limit, windows = load_windows(KEYS[i], POLICY.windows[limit])}
  end
  asked.next_arg = first_arg + 2 + #asked.counters
  return asked
end

-- How long the guard blocks a place. It looks at the shares anew where it does not: also where a
-- dry run only said what it would block, and is over.
local function blocked_for(asked, place, notice)
  local field = 'conversion ' .. place.name
  local entry = read_rule(redis.call('HGET', asked.rules, field) or '')
  local kind = POLICY.dry.conversion and 'would-block' or 'block'
  if entry.till > NOW and (entry.kind ~= 'would-block' or entry.kind == kind) then
    return entry.kind ~= 'alarm' and place.guard.blocks and entry.till - NOW or 0
  end
  local poor, started, approved = is_poor(load_conversion(place.key), place.guard)
  if not poor then
    return 0
  end
  if not place.guard.blocks then
    write_rule(asked.rules, field, 'alarm', NOW + POLICY.alarm_pause, 0, started, approved)
    notice('alarm', 'conversion', place.name, 0)
    return 0
  end
  local again = entry.kind == kind and entry.till + POLICY.remembered > NOW
  local level = again and entry.level + 1 or 1
  local span = math.min(POLICY.first_block * 2 ^ (level - 1), POLICY.longest_block)
  write_rule(asked.rules, field, kind, NOW + span, level, started, approved)
  redis.call('DEL', place.key)
  notice(kind, 'conversion', place.name, span)
  return span
end

-- Whether a start is let through, and which places it would take.
--
--   number, known    where it goes to; whether from a device that verified it before: what
--                    strangers have used up of a prefix must not keep the owner out
--   nobody_called    it says nothing of conversion, and nothing of the provider
--
-- Returns  {paused, suspended, limit, wait, notices}: ms that the operator has paused all calls, ms
--          that the breaker has, or 0; the limit that refuses for longest and its ms, or '' and 0; a
--          notice is kind, limit, place, ms, flat.
local function judge(asked, number, known, nobody_called)
  local judged = {paused = math.max(0, redis.call('PTTL', asked.pause)),
                  suspended = nobody_called and 0 or suspended_for(asked.gate),
                  limit = '', wait = 0, notices = {}}

  local function notice(...)
    for _, word in ipairs({...}) do
      judged.notices[#judged.notices + 1] = word
    end
  end

  local function refuse(limit, place, wait)
    if POLICY.dry[limit] then
      notice('dry', limit, place, wait)
    elseif wait > judged.wait then
      judged.limit, judged.wait = limit, wait
    end
  end

  local rule = operators_rule(asked.rules, number)
  local allowed = rule and rule.kind == 'allow'
  if rule and rule.kind == 'block' then
    judged.limit, judged.wait = 'prefix', rule.till - NOW
  end

  if not (known or nobody_called or allowed) then
    for _, place in ipairs(asked.places) do
      local wait = blocked_for(asked, place, notice)
      if wait > 0 then
        refuse('conversion', place.name, wait)
      end
    end
  end

  local full = 0  -- how long the prefix is, for strangers
  for _, counter in ipairs(asked.counters) do
    local wait = wait_for(counter.windows)
    counter.takes = wait == 0
    if counter.limit == 'prefix' and allowed then
      counter.takes = true
    elseif counter.limit == 'prefix' and known then
      full = wait
    elseif counter.limit == 'known' then
      counter.takes = wait == 0 and full > 0
      if wait > 0 and full > 0 then
        refuse('prefix', asked.prefix, math.min(wait, full))
      end
    elseif wait > 0 then
      refuse(counter.limit, counter.limit == 'prefix' and asked.prefix or '', wait)
    end
  end
  return judged
end

-- What refuses every start, whatever its number: a reply, or nil. The operator's pause comes first.
local function refuse_all(judged)
  if judged.paused > 0 then
    return {'paused', judged.paused, judged.notices}
  end
  if judged.suspended > 0 then
    return {'suspended', judged.suspended, judged.notices}
  end
end

-- Takes what was judged to be free, of the breaker a probe: so one that is refused wastes none.
--
--   own   the start's own name
--
-- Returns  '1' or '0' for each limit's key, and what the breaker says: {'closed' or 'probe',
--          failures in a row}.
local function take_places(asked, nobody_called, own)
  local took = {}
  for i, counter in ipairs(asked.counters) do
    took[i] = counter.takes and '1' or '0'
    if counter.takes then
      count_one(counter.windows)
      save_windows(counter.key, counter.windows)
    end
  end
  if not nobody_called then
    for _, place in ipairs(asked.places) do
      local buckets = load_conversion(place.key)
      count_started(buckets, NOW, 1)
      save_conversion(place.key, buckets)
    end
  end
  local gate = nobody_called and 'closed' or pass(asked.gate, own)
  return table.concat(took), {gate, asked.gate.failures}
end
