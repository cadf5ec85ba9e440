-- The budgets of one number.
--
--   starts        the starts that count, each with the first eight characters of its own
--   cooldown      until when no new start is let through
--   reset         the last approval: the cooldown ladder counts from there
--   failures      wrong guesses
--   run           how many of them in a row; last_failure: when the last one was
--   waived        undelivered calls that gave their quota back
--   open          verifications whose call has no requestId (placing or unknown)
--   waiting       callbacks that no call claims yet, by the digest of their requestId

local LOGS = {'starts', 'failures', 'waived', 'open', 'waiting'}
local COUNTS = {'cooldown', 'reset', 'run', 'last_failure'}

local function load_number(key)
  local hash = read_hash(key)
  local number = {key = key}
  for _, name in ipairs(LOGS) do
    number[name] = read_log(hash[name])
  end
  for _, name in ipairs(COUNTS) do
    number[name] = tonumber(hash[name]) or 0
  end
  number.starts = since(number.starts, NOW - POLICY.horizon)
  number.failures = since(number.failures, NOW - POLICY.horizon)
  number.waived = since(number.waived, NOW - POLICY.day)
  number.open = since(number.open, NOW - POLICY.ttl - POLICY.readable)
  number.waiting = since(number.waiting, NOW - POLICY.waiting_for)
  if number.last_failure + POLICY.lock_for <= NOW then
    number.run = 0
  end
  return number
end

local function save_number(number)
  local set, clear = {}, {}
  local function put(name, value, empty)
    if value == empty then
      clear[#clear + 1] = name
    else
      set[#set + 1] = name
      set[#set + 1] = value
    end
  end
  for _, name in ipairs(LOGS) do
    put(name, write_log(number[name]), '')
  end
  for _, name in ipairs(COUNTS) do
    put(name, text(number[name]), '0')
  end
  if #clear > 0 then
    redis.call('HDEL', number.key, unpack(clear))
  end
  if #set > 0 then
    local keep = NOW + POLICY.horizon
    if number.run > 0 then
      keep = math.max(keep, number.last_failure + POLICY.lock_for)
    end
    redis.call('HSET', number.key, unpack(set))
    redis.call('PEXPIREAT', number.key, text(keep))
  end
end

-- Milliseconds until every window lets one more through. A window of N is full exactly while
-- the Nth newest event is inside it.
local function wait_for_windows(log, windows)
  local wait = 0
  for _, window in ipairs(windows) do
    local count, span = window[1], window[2]
    local nth = log[#log - count + 1]
    if nth then
      wait = math.max(wait, nth.at + span - NOW)
    end
  end
  return wait
end

-- Why no guess is compared: name and milliseconds, or '' and 0.
local function guess_limit(number)
  if number.run >= POLICY.lock then
    return 'locked', number.last_failure + POLICY.lock_for - NOW
  end
  local wait = wait_for_windows(number.failures, POLICY.failures)
  if wait > 0 then
    return 'failures', wait
  end
  return '', 0
end

-- What a new start waits for, and the longest of all it waits for: name and milliseconds, or ''
-- and 0. A spent guess budget is named before any pause that happens to be longer.
local function start_limit(number)
  local limit, wait = guess_limit(number)
  local windows = wait_for_windows(number.starts, POLICY.starts)
  local cooldown = number.cooldown - NOW
  if limit == '' and math.max(windows, cooldown) > 0 then
    limit = windows > cooldown and 'number' or 'cooldown'
  end
  return limit, math.max(wait, windows, cooldown, 0)
end

local function count_start(number, own)
  add(number.starts, string.sub(own, 1, 8))
  -- One less than the reset: a start in the very millisecond of the approval counts itself.
  local step = #since(number.starts, math.max(NOW - POLICY.day, number.reset - 1))
  number.cooldown = NOW + POLICY.cooldowns[math.min(step, #POLICY.cooldowns)]
end

-- Gives a start's quota back. The cooldown ends only where it is this start's own: a late word
-- about an older call must not shorten the pause after a newer one.
local function refund(number, own)
  local short = string.sub(own, 1, 8)
  local last = number.starts[#number.starts]
  if last and last.name == short then
    number.cooldown = 0
  end
  number.starts = without(number.starts, short)
end
