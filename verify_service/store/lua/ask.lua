-- Tells what a number says of a start, and takes nothing for it: where the wide limits live on
-- another server, and are to be asked only for a start that the number would let through.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3… as reservation.lua
-- Returns  {'refused', limit, wait in ms, {}} | {'free', '1' if the number knows the device, else ''}
--          or, where it is reserved already, a view as start.lua

local draft = read_draft(3)
local number = load_number(KEYS[2])
local before = reserved_before(draft, KEYS[1], number, 0)
if before then
  return before
end
match_lost(number)
local lane = lane_for(number, draft.device)
local limit, wait = start_limit(lane)
if limit ~= '' then
  return {'refused', limit, wait, {}}
end
return {'free', lane.device ~= '' and '1' or ''}
