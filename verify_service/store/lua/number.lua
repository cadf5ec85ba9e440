-- The shared first part of every script: the budgets of one number, and how its calls and the
-- provider's callbacks find each other. scripts.py puts it in front of each decision.
--
-- Keys, all in the slot {tag} of one number
--   n:{tag}         hash: what the number may still do
--   v:{tag}:<key>   hash: one verification
--   call:{tag}:<request digest>  hash: the verification a requestId belongs to ("owner"),
--                   or a callback that no call claims yet ("status", "stamp", "delivered", "waives")
--
-- POLICY (ARGV[1], JSON; every duration in milliseconds)
--   cooldowns [ms …]     starts [[count, ms] …]     failures [[count, ms] …]
--   lock, lock_for       waivers, day               deadline, ttl, checks, readable
--   waiting, waiting_for
--   horizon  the longest of a day, all windows, all pauses and a verification's life
--   kept     the most events any of them looks at
--
-- A moment is unixtime in milliseconds by this server's own clock, never a caller's. A log is
-- text, oldest first: "<ms>:<key> <ms>:<key>" for starts and waiting callbacks, "<ms> <ms>" else.

local POLICY = cjson.decode(ARGV[1])

-- Lua's own conversion would print a moment as 1.79e+12.
local function text(integer)
  return string.format('%.0f', integer)
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local NOW = clock()

---------------------------------------------------------------------------------------------
-- Hashes and logs

local function to_hash(flat)
  local hash = {}
  for i = 1, #flat, 2 do
    hash[flat[i]] = flat[i + 1]
  end
  return hash
end

local function read_hash(key)
  return to_hash(redis.call('HGETALL', key))
end

local function read_log(line)
  local log = {}
  for at, key in string.gmatch(line or '', '(%d+):?(%S*)') do
    log[#log + 1] = {at = tonumber(at), key = key}
  end
  return log
end

local function write_log(log)
  local words = {}
  for i, entry in ipairs(log) do
    words[i] = text(entry.at) .. (entry.key == '' and '' or ':' .. entry.key)
  end
  return table.concat(words, ' ')
end

local function without(log, key)
  local kept = {}
  for _, entry in ipairs(log) do
    if entry.key ~= key then
      kept[#kept + 1] = entry
    end
  end
  return kept
end

-- The newest events after a moment, no more of them than any window looks at.
local function since(log, moment)
  local kept = {}
  for i = math.max(1, #log - POLICY.kept + 1), #log do
    if log[i].at > moment then
      kept[#kept + 1] = log[i]
    end
  end
  return kept
end

---------------------------------------------------------------------------------------------
-- The number

local LOGS = {'starts', 'failures', 'waived', 'open', 'waiting'}
local COUNTS = {'cooldown', 'reset', 'run', 'failed'}

-- starts    the starts that count, with the first eight characters of their verification's key
-- cooldown  until when no new start is let through
-- reset     the last approval: the cooldown ladder counts from there
-- failures  wrong guesses; run: how many in a row; failed: when the last one was
-- waived    undelivered calls that gave their quota back
-- open      verifications whose call has no requestId (placing or unknown)
-- waiting   callbacks that no call claims yet
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
  if number.failed + POLICY.lock_for <= NOW then
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
      keep = math.max(keep, number.failed + POLICY.lock_for)
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
    return 'locked', number.failed + POLICY.lock_for - NOW
  end
  local wait = wait_for_windows(number.failures, POLICY.failures)
  if wait > 0 then
    return 'failures', wait
  end
  return '', 0
end

-- What a new start waits for the longest: name and milliseconds, or '' and 0.
local function start_limit(number)
  local limit, wait = guess_limit(number)
  local windows = wait_for_windows(number.starts, POLICY.starts)
  if windows > wait then
    limit, wait = 'number', windows
  end
  if number.cooldown - NOW > wait then
    limit, wait = 'cooldown', number.cooldown - NOW
  end
  return limit, wait
end

local function count_start(number, key)
  number.starts[#number.starts + 1] = {at = NOW, key = string.sub(key, 1, 8)}
  -- One less than the reset: a start in the very millisecond of the approval counts itself.
  local step = #since(number.starts, math.max(NOW - POLICY.day, number.reset - 1))
  number.cooldown = NOW + POLICY.cooldowns[math.min(step, #POLICY.cooldowns)]
end

-- Gives a start's quota back. The cooldown ends only where it is this start's own: a late word
-- about an older call must not shorten the pause after a newer one.
local function refund(number, key)
  local short = string.sub(key, 1, 8)
  local last = number.starts[#number.starts]
  if last and last.key == short then
    number.cooldown = 0
  end
  number.starts = without(number.starts, short)
end

---------------------------------------------------------------------------------------------
-- Verifications

local function load_verification(key)
  local hash = read_hash(key)
  return hash.app and hash or nil
end

local function state_of(verification)
  if verification.state == 'pending' and tonumber(verification.expires) <= NOW then
    return 'expired'
  end
  return verification.state
end

-- Final states stay readable for a while after the end.
local function finish(key, state)
  redis.call('HSET', key, 'state', state)
  redis.call('PEXPIREAT', key, text(NOW + POLICY.readable))
end

---------------------------------------------------------------------------------------------
-- Calls and callbacks

-- Whether a report changes what is known: strictly newer, another status, and never from
-- delivered back to undelivered.
local function supersedes(old, new)
  if not old.status then
    return true
  end
  if tonumber(new.stamp) <= tonumber(old.stamp) or new.status == old.status then
    return false
  end
  return new.delivered == '1' or old.delivered ~= '1'
end

-- Applies a report {status, stamp, delivered, waives} to a verification's call.
local function apply(number, key, verification_key, report)
  local known = read_hash(verification_key)
  if not supersedes({status = known.status, stamp = known.stamp,
                     delivered = known.call == 'delivered' and '1' or '0'}, report) then
    return false
  end
  redis.call('HSET', verification_key, 'status', report.status, 'stamp', report.stamp,
             'call', report.delivered == '1' and 'delivered' or 'undelivered')
  if report.waives == '1' and not known.waived and #number.waived < POLICY.waivers then
    number.waived[#number.waived + 1] = {at = NOW, key = ''}
    redis.call('HSET', verification_key, 'waived', '1')
    refund(number, key)
  end
  return true
end

-- From now on the requestId belongs to this verification.
local function claim(number, call_key, request, key, verification_key)
  -- Written before anything is deleted: where memory is full, this fails and nothing is lost.
  redis.call('HSET', call_key, 'owner', key)
  redis.call('HDEL', call_key, 'status', 'stamp', 'delivered', 'waives')
  redis.call('PEXPIREAT', call_key,
             text(redis.call('HGET', verification_key, 'expires') + POLICY.readable))
  redis.call('HSET', verification_key, 'bound', '1')
  number.waiting = without(number.waiting, request)
  number.open = without(number.open, key)
end

-- The one call whose requestId was never learned and never will be, or nil. A call that is still
-- being placed counts as open too: what is waiting may be its own.
local function lost_call(number, prefix)
  local found
  for _, call in ipairs(number.open) do
    local verification = load_verification('v:' .. prefix .. ':' .. call.key)
    if verification and found then
      return nil
    end
    found = verification and {key = call.key, verification = verification} or found
  end
  if not found then
    return nil
  end
  local created = tonumber(found.verification.created)
  local stale = found.verification.call == 'placing' and created + POLICY.deadline <= NOW
  found.created = created
  return (stale or found.verification.call == 'unknown') and found or nil
end

-- Matches what is waiting with the lost call. With two open calls, or two callbacks that could
-- be meant, it would be a guess: none is bound.
local function settle(number, prefix)
  local call = #number.waiting > 0 and lost_call(number, prefix)
  local meant = call and since(number.waiting, call.created - 1)
  if not meant or #meant ~= 1 then
    return
  end
  local verification_key = 'v:' .. prefix .. ':' .. call.key
  local call_key = 'call:' .. prefix .. ':' .. meant[1].key
  local report = read_hash(call_key)
  claim(number, call_key, meant[1].key, call.key, verification_key)
  if report.status then
    apply(number, call.key, verification_key, report)
  end
  save_number(number)
end

---------------------------------------------------------------------------------------------
-- The answer of every script: what it came to, the moment, the state, what bars guesses, what a
-- start waits for, and the verification's hash, flat.
local function view(verdict, number, verification_key)
  local flat = redis.call('HGETALL', verification_key)
  local barred, barred_wait = guess_limit(number)
  local limit, limit_wait = start_limit(number)
  return {verdict, NOW, state_of(to_hash(flat)), barred, barred_wait, limit, limit_wait, flat}
end
