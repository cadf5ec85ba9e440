-- The first part of every script: the policy, the clock, and how things are written down.
--
-- Keys, all in the slot {tag} of one number (store/keys.py has the same names)
--   n:{tag}                text: what the number may still do (number.lua)
--   v:{tag}:<own>          hash: one verification (verification.lua)
--   call:{tag}:<request>   hash: whom a requestId belongs to, by its digest (calls.lua)
-- and in a slot of its own, with {name} for SLOT
--   i:{name}               hash: an Idempotency-Key, by its digest (claim.lua)
-- and in the slot {wide}
--   b:{wide}               hash: the breaker (gate.lua)
--   l:{wide}:<limit>:<place>  text: a wide limit's counters (windows.lua)
--   c:{wide}:<place>       text: who was called and got in, of a prefix or a country (conversion.lua)
--   f:{wide}               text: right and wrong guesses over all numbers (tally.lua)
--   r:{wide}               hash: what is blocked, allowed and under alarm (rules.lua)
--   p:{wide}               text: there while all calls are paused
--   b:{wide}:<own>         hash: what a start said to it came to (breaker_report.lua)
--
-- ARGV  1 POLICY, JSON; every duration in milliseconds
--       where the keys are a number's, or an Idempotency-Key's:
--         cooldowns [ms …]     starts [[count, ms] …]     failures [[count, ms] …]
--         lock, lock_for       waivers, day               deadline, ttl, checks, readable
--         devices, known_for   how many devices a number knows, and how long
--         in_flight  how long a start can be at work
--         waiting, waiting_for
--         horizon  the longest of a day, all windows, all pauses and a verification's life
--         kept     the most events any of them looks at
--         claiming   how long a claim that came to nothing is somebody's
--         dry {limit: true}   which of the number's own limits only count and log
--       where they are all numbers' (the second shape):
--         windows {limit: [[count, ms] …]}   dry {limit or guard: true}
--         settled  how long a start may still be approved
--         prefix, country   the conversion guard's {least, share, blocks}
--         conversion_span   first_block, longest_block, remembered   alarm_pause
--         wrong {least, share, span}   the alarm over all numbers
--         breaker, where there is one:
--           failures   in a row that pause calls   pause, longest   at first, and at most
--           probing    how long a probe can be under way
--           remembered how long all of it is       reported   how long a report may come again
--       2 SLOT, the tag in braces
--
-- A moment is unixtime in milliseconds by this server's own clock, never a caller's.

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
