-- What is blocked, allowed or under alarm at present, and until when: the guards' decisions and
-- the operator's, in one hash, r:{wide}.
--
--   rule <prefix>         "block <until> 0 0 0", "allow …"         the operator's
--   conversion <place>    "block <until> <level> <of> <were>"       the guard's; the level doubles
--                         "would-block …"                           the same in dry run
--                         "alarm <until> 0 <of> <were>"             where it only raises alarms
--   alarm <name>          "alarm <until> 0 <of> <were>"             raised, and not again until then
--
-- The last two say what a guard went by: of so many starts, so many were approved; of so many
-- guesses, so many were wrong.
-- An entry is remembered for a day after its end, for the doubling.

local function read_rule(line)
  local kind, moment, level, of, were =
    string.match(line or '', '([%a-]+) (%d+) (%d+) ?(%d*) ?(%d*)')
  return {kind = kind, till = tonumber(moment) or 0, level = tonumber(level) or 0,
          of = tonumber(of) or 0, were = tonumber(were) or 0}
end

local function sweep(key)
  local last = 0
  for field, line in pairs(read_hash(key)) do
    local remembered = read_rule(line).till + POLICY.remembered
    if remembered <= NOW then
      redis.call('HDEL', key, field)
    end
    last = math.max(last, remembered)
  end
  return last
end

local function write_rule(key, field, kind, till, level, of, were)
  local words = {kind, text(till), text(level), text(of), text(were)}
  redis.call('HSET', key, field, table.concat(words, ' '))
  redis.call('PEXPIREAT', key, text(sweep(key)))
end

-- The operator's rule for the longest prefix of the number that has one.
local function operators_rule(key, number)
  local fields = {}
  for length = #number, 2, -1 do
    fields[#fields + 1] = 'rule ' .. string.sub(number, 1, length)
  end
  for _, line in ipairs(redis.call('HMGET', key, unpack(fields))) do
    local rule = read_rule(line)
    if rule.till > NOW then
      return rule
    end
  end
  return nil
end
