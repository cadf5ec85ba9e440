-- Reserves a verification and takes its places in the wide limits, or refuses and changes nothing:
-- where all of it lives on one server.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}   3… as wide.lua
-- ARGV  1 policy  2 {tag}  3… as wide.lua, and behind it as reservation.lua
-- Returns  {'refused', limit, wait in ms, notices} | {'paused', wait in ms, notices}
--          | {'suspended', wait in ms, notices}, or a view with 'reserved' | 'again' | 'taken' and
--          behind it {limits of the number's own that would have refused it, notices, '1' or '0' for
--          each wide limit's key: what was taken, what the breaker says: {'closed' or 'probe',
--          failures in a row}}
--
-- Safe to repeat: the second run finds the first's work.

local asked = read_question(3, 3)
local draft = read_draft(asked.next_arg)
local number = load_number(KEYS[2])

local before = reserved_before(draft, KEYS[1], number, asked.gate.failures)
if before then
  return before
end

match_lost(number)
local lane = lane_for(number, draft.device)
local wide = judge(asked, draft.number, lane.device ~= '', draft.test)
local all = refuse_all(wide)
if all then
  return all
end

-- Of two refusals the one to tell: after its wait both let through. A spent guess budget keeps its
-- name, since nothing but time helps.
local limit, wait, dry = start_limit(lane)
if wide.wait > wait then
  local spent = limit == 'failures' or limit == 'locked'
  limit, wait = spent and limit or wide.limit, wide.wait
end
if limit ~= '' then
  return {'refused', limit, wait, wide.notices}
end

local took, gate = take_places(asked, draft.test, draft.own)
reserve(draft, KEYS[1], number, lane, gate, {'took', took})
return view('reserved', number, KEYS[1], {dry, wide.notices, took, gate})
