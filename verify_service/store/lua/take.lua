-- Takes one start's place in every wide limit, or refuses and takes none: where the number lives
-- on another server.
--
-- KEYS  as wide.lua
-- ARGV  1 policy (JSON)  2 {wide}  3 number (E.164)  4 '1' where nobody is called, or ''
--       5 '1' from a device that the number knows, or ''  6 the start's own name  7… as wide.lua
-- Returns  {'taken', moment, took, gate, notices} | {'refused', limit, wait in ms, notices}
--          | {'paused' or 'suspended', wait in ms, notices}       as wide.lua has them
--
-- To be run once: a second run would take another place. A probe that was taken and is lost is given
-- up after a while, as one whose process died.

local number, nobody_called, known = ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
local asked = read_question(1, 7)
local wide = judge(asked, number, known, nobody_called)
local all = refuse_all(wide)
if all then
  return all
end
if wide.limit ~= '' then
  return {'refused', wide.limit, wide.wait, wide.notices}
end
local took, gate = take_places(asked, nobody_called, ARGV[6])
return {'taken', NOW, took, gate, wide.notices}
