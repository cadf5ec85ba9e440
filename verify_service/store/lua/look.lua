-- Shows what a number may still do, lane by lane.
--
-- KEYS  1 n:{tag}
-- ARGV  1 policy  2 {tag}
-- Returns  {1 if anything is kept, lane …}, a lane being {device, wrong guesses in a row, what a
--          start waits for or '', ms, windows of starts, windows of guesses}; windows as fillings
--          has them

local number = load_number(KEYS[1])
local shown = {redis.call('EXISTS', KEYS[1])}
for _, lane in ipairs(number.lanes) do
  local limit, wait = start_limit(lane)
  shown[#shown + 1] = {lane.device, lane.run, limit, wait,
                       fillings(lane.starts, POLICY.starts),
                       fillings(lane.failures, POLICY.failures)}
end
return shown
