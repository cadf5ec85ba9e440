-- Takes one start's place in every wide limit, or refuses and takes none: where the number lives
-- on another server.
--
-- KEYS  as wide.lua
-- ARGV  1 policy (JSON)  2 {wide}  3 number (E.164)  4 '1' where nobody is called, or ''
--       5 '1' from a device that the number knows, or ''  6… as wide.lua
-- Returns  {'taken', moment, took, notices} | {'refused', limit, wait in ms, notices}
--          | {'paused', wait in ms, notices}       as wide.lua has them
--
-- To be run once: a second run would take another place.

local number, nobody_called, known = ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
local asked = read_question(1, 6)
local wide = judge(asked, number, known, nobody_called)
if wide.paused > 0 then
  return {'paused', wide.paused, wide.notices}
end
if wide.limit ~= '' then
  return {'refused', wide.limit, wide.wait, wide.notices}
end
return {'taken', NOW, take_places(asked, nobody_called), wide.notices}
