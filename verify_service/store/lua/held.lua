-- Lists what is blocked, allowed, paused and under alarm now.
--
-- KEYS  1 r:{wide}   2 p:{wide}
-- ARGV  1 policy  2 {wide}
-- Returns  {ms that the pause still lasts or 0, {who, place, kind, ms} …}
--          who: rule, conversion or alarm

local held = {math.max(0, redis.call('PTTL', KEYS[2]))}
for field, line in pairs(read_hash(KEYS[1])) do
  local entry = read_rule(line)
  if entry.till > NOW then
    local who, place = string.match(field, '(%a+) (.*)')
    local kind = entry.kind
    -- Also a block from before the dry run: it refuses nobody now.
    local dry = who == 'conversion' and kind == 'block' and POLICY.dry.conversion
    if kind == 'would-block' or dry then
      kind = 'would-block, dry run'
    end
    held[#held + 1] = {who, place, kind, entry.till - NOW}
  end
end
return held
