-- Lists what is blocked, allowed, paused and under alarm now; and, of the places that are asked
-- for, how full their windows are and how many of those who were called got in.
--
-- KEYS  1 r:{wide}   2 p:{wide}   3… l:{wide}:<limit>:<place> and c:{wide}:<place>
-- ARGV  1 policy  2 {wide}
--       3… for each key from 3 on: the limit's name; of the conversion guard's, which of its two
--       limits is the place's, as 'conversion prefix' | 'conversion country'
-- Returns  {ms that the pause still lasts or 0, entries, places}
--          an entry: who (rule, conversion or alarm), place, kind, ms, level, of, were
--          a place: used, ms until room for one more, used, ms …, for each window; of the
--          conversion guard's: started, approved, 1 if that is too few

local paused = math.max(0, redis.call('PTTL', KEYS[2]))

local entries = {}
for field, line in pairs(read_hash(KEYS[1])) do
  local entry = read_rule(line)
  if entry.till > NOW then
    local who, place = string.match(field, '(%a+) (.*)')
    -- Also a block from before the dry run: it refuses nobody now.
    local dry = who == 'conversion' and entry.kind == 'block' and POLICY.dry.conversion
    entries[#entries + 1] = {who, place, dry and 'would-block' or entry.kind, entry.till - NOW,
                             entry.level, entry.of, entry.were}
  end
end

local places = {}
for i = 3, #KEYS do
  local limit = ARGV[i]
  local guarded = string.match(limit, 'conversion (%a+)')
  if guarded then
    local poor, started, approved = is_poor(load_conversion(KEYS[i]), POLICY[guarded])
    places[#places + 1] = {started, approved, poor and 1 or 0}
  else
    local flat = {}
    for _, counter in ipairs(load_windows(KEYS[i], POLICY.windows[limit])) do
      local used, wait = filling(counter)
      flat[#flat + 1], flat[#flat + 2] = used, wait
    end
    places[#places + 1] = flat
  end
end
return {paused, entries, places}
