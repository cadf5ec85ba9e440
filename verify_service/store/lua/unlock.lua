-- Ends a number's lock, its runs and the day's failures, in every lane. Starts stay as they are.
--
-- KEYS  1 n:{tag}
-- ARGV  1 policy  2 {tag}
-- Returns  {1 if anything is kept, wrong guesses that are forgotten}

local known = redis.call('EXISTS', KEYS[1])
local number = load_number(KEYS[1])
local forgotten = 0
for _, lane in ipairs(number.lanes) do
  forgotten = forgotten + math.max(lane.run, #lane.failures)
  lane.run, lane.failures = 0, {}
end
save_number(number)
return {known, forgotten}
