-- Reserves a verification, or refuses by the limits of its device's lane: where the wide limits live
-- on another server, and have let it through.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 when the wide limits counted it, by their server's clock
--       4 which places it took of them  5 closed | probe  6 failures in a row: what the breaker said
--       7… as reservation.lua
-- Returns  as start.lua
--
-- Safe to repeat: the second run finds the first's work.

local draft = read_draft(7)
local gate = {ARGV[5], tonumber(ARGV[6])}
local number = load_number(KEYS[2])

local before = reserved_before(draft, KEYS[1], number, gate[2])
if before then
  return before
end

match_lost(number)
local lane = lane_for(number, draft.device)
local limit, wait, dry = start_limit(lane)
if limit ~= '' then
  return {'refused', limit, wait, {}}
end

reserve(draft, KEYS[1], number, lane, gate, {'counted', ARGV[3], 'took', ARGV[4]})
return view('reserved', number, KEYS[1], {dry, {}, ARGV[4], gate})
