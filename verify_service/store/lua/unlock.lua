-- Ends a number's lock, its runs and the day's failures, in every lane. Starts stay as they are.
--
-- KEYS  1 n:{tag}
-- ARGV  1 policy  2 {tag}
-- Returns  {how many lanes had any}

local number = load_number(KEYS[1])
local ended = 0
for _, lane in ipairs(number.lanes) do
  if lane.run > 0 or #lane.failures > 0 then
    ended = ended + 1
  end
  lane.run, lane.failures = 0, {}
end
save_number(number)
return {ended}
