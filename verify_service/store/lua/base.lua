-- The first part of every script: the policy, the clock, and how things are written down.
--
-- Keys, all in the slot {tag} of one number (store/keys.py has the same names)
--   n:{tag}                hash: what the number may still do (number.lua)
--   v:{tag}:<own>          hash: one verification (verification.lua)
--   call:{tag}:<request>   hash: whom a requestId belongs to, by its digest (calls.lua)
-- and in a slot of its own, with {name} for SLOT
--   i:{name}               hash: an Idempotency-Key, by its digest (claim.lua)
-- and in the slot {wide}
--   b:{wide}               hash: the breaker (breaker_admit.lua)
--
-- ARGV  1 POLICY, JSON; every duration in milliseconds
--         cooldowns [ms …]     starts [[count, ms] …]     failures [[count, ms] …]
--         lock, lock_for       waivers, day               deadline, ttl, checks, readable
--         in_flight  how long a start can be at work
--         waiting, waiting_for
--         horizon  the longest of a day, all windows, all pauses and a verification's life
--         kept     the most events any of them looks at
--       2 SLOT, the tag in braces
--
-- A moment is unixtime in milliseconds by this server's own clock, never a caller's. A log is
-- text, oldest first: "<ms>:<name> <ms>:<name>", or "<ms> <ms>" where the moments are enough.

local POLICY = cjson.decode(ARGV[1])
local SLOT = ARGV[2]

-- Lua's own conversion would print a moment as 1.79e+12.
local function text(integer)
  return string.format('%.0f', integer)
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local NOW = clock()

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
  for at, name in string.gmatch(line or '', '(%d+):?(%S*)') do
    log[#log + 1] = {at = tonumber(at), name = name}
  end
  return log
end

local function write_log(log)
  local words = {}
  for i, entry in ipairs(log) do
    words[i] = text(entry.at) .. (entry.name == '' and '' or ':' .. entry.name)
  end
  return table.concat(words, ' ')
end

local function without(log, name)
  local kept = {}
  for _, entry in ipairs(log) do
    if entry.name ~= name then
      kept[#kept + 1] = entry
    end
  end
  return kept
end

local function add(log, name)
  log[#log + 1] = {at = NOW, name = name}
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
