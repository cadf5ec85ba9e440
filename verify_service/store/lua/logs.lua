-- How moments and logs are written into as few bytes as they need.
--
-- A moment is seven digits to the base 64, good until the year 2109. A log is its events, oldest
-- first, each a moment and a name of so many characters: with every width known, it needs no
-- separators, and none is in it.

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
local WIDTH = 7

local VALUES = {}
for i = 1, 64 do
  VALUES[string.sub(DIGITS, i, i)] = i - 1
end

local function pack(moment)
  local digits = {}
  for i = WIDTH, 1, -1 do
    local value = moment % 64
    digits[i] = string.sub(DIGITS, value + 1, value + 1)
    moment = (moment - value) / 64
  end
  return table.concat(digits)
end

local function unpacked(digits)
  local moment = 0
  for i = 1, #digits do
    moment = moment * 64 + VALUES[string.sub(digits, i, i)]
  end
  return moment
end

-- A moment that may be none: 0, written as nothing.
local function pack_optional(moment)
  return moment == 0 and '' or pack(moment)
end

local function read_log(line, name_width)
  local log = {}
  local step = WIDTH + name_width
  for start = 1, #line, step do
    log[#log + 1] = {at = unpacked(string.sub(line, start, start + WIDTH - 1)),
                     name = string.sub(line, start + WIDTH, start + step - 1)}
  end
  return log
end

local function write_log(log)
  local words = {}
  for i, event in ipairs(log) do
    words[i] = pack(event.at) .. event.name
  end
  return table.concat(words)
end

-- The parts of a text between a separator; one more than there are separators.
local function split(line, separator)
  local parts = {}
  for part in string.gmatch(line .. separator, '(.-)' .. separator) do
    parts[#parts + 1] = part
  end
  return parts
end

local function without(log, name)
  local kept = {}
  for _, event in ipairs(log) do
    if event.name ~= name then
      kept[#kept + 1] = event
    end
  end
  return kept
end

local function add(log, name)
  log[#log + 1] = {at = NOW, name = name}
end

-- The newest events after a moment, no more of them than any window looks at.
local function since(log, moment)
  local kept = {}
  for i = math.max(1, #log - POLICY.kept + 1), #log do
    if log[i].at > moment then
      kept[#kept + 1] = log[i]
    end
  end
  return kept
end
