-- Shows what a number may still do, lane by lane.
--
-- KEYS  1 n:{tag}
-- ARGV  1 policy  2 {tag}
-- Returns  for each lane: {device, wrong guesses in a row, failures kept, starts that count,
--          what a start waits for or '', ms}

local number = load_number(KEYS[1])
local shown = {}
for i, lane in ipairs(number.lanes) do
  local limit, wait = start_limit(lane)
  shown[i] = {lane.device, lane.run, #lane.failures, #lane.starts, limit, wait}
end
return shown
