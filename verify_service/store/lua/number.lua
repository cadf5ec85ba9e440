-- What one number may still do: its lanes, and what its calls and callbacks share.
--
--   open      verifications whose call has no requestId (placing or unknown)
--   waiting   callbacks that no call claims yet, by the digest of their requestId
--   lanes     the first is the strangers'; behind it the known devices', at most POLICY.devices
--
-- As text: <open>|<waiting>|<lane>[|<lane>…]. One text and not a hash: a busy number would grow out
-- of a hash's compact form, and take twice the memory.

local DIGEST = 22

local function load_number(key)
  local parts = split(redis.call('GET', key) or '', '|')
  local number = {
    key = key,
    open = since(read_log(parts[1] or '', DIGEST), NOW - POLICY.ttl - POLICY.readable),
    waiting = since(read_log(parts[2] or '', DIGEST), NOW - POLICY.waiting_for),
    lanes = {read_lane(parts[3] or '')},
  }
  for i = 4, #parts do
    local lane = read_lane(parts[i])
    if lane.reset + POLICY.known_for > NOW then
      number.lanes[#number.lanes + 1] = lane
    end
  end
  return number
end

local EMPTY = '||,,,,,,'

local function save_number(number)
  local parts = {write_log(number.open), write_log(number.waiting)}
  local keep = 0
  for _, lane in ipairs(number.lanes) do
    parts[#parts + 1] = write_lane(lane)
    keep = math.max(keep, kept_until(lane))
  end
  local line = table.concat(parts, '|')
  if line == EMPTY then
    redis.call('DEL', number.key)
  else
    redis.call('SET', number.key, line, 'PXAT', text(keep))
  end
end

-- The lane that a start of this device counts in: its own, if it is known, else the strangers'.
local function lane_for(number, device)
  for i = 2, #number.lanes do
    if number.lanes[i].device == device then
      return number.lanes[i]
    end
  end
  return number.lanes[1]
end

-- The lane that a verification's start and its guesses count in. Where the number has forgotten
-- the device since, its guesses are a stranger's.
local function lane_of(number, verification)
  return lane_for(number, verification.known and verification.device or '')
end

-- From now on the device is known. Where a number knows as many as it may, the one that was
-- longest without an approval is forgotten.
local function remember(number, device)
  local lane = lane_for(number, device)
  if lane.device ~= device then
    if #number.lanes > POLICY.devices then
      local oldest = 2
      for i = 3, #number.lanes do
        if number.lanes[i].reset < number.lanes[oldest].reset then
          oldest = i
        end
      end
      table.remove(number.lanes, oldest)
    end
    lane = read_lane(device)
    number.lanes[#number.lanes + 1] = lane
  end
  approve(lane)
end
