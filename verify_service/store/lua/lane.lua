-- A lane: what one kind of caller may still do with a number.
--
-- A number has one lane for strangers, and one for each device that verified it, a few at most.
-- Guesses, windows, cooldown and waivers are a lane's own: so strangers can neither lock out the
-- owner nor use up the owner's starts, and a device that nobody knows brings no guesses with it.
--
--   device     the device's digest; '' for strangers
--   run        wrong guesses in a row
--   cooldown   until when no new start is let through
--   reset      the last approval: the cooldown ladder counts from there, and so does how long a
--              device is known
--   starts     the starts that count, each with the first two characters of its own: together
--              with its moment that tells it from any other of the lane
--   failures   wrong guesses; the newest stays as long as there is a run
--   waived     undelivered calls that gave their quota back
--
-- As text: <device>,<run>,<cooldown>,<reset>,<starts>,<failures>,<waived>

local NAME = 2

local function last_failure(lane)
  local newest = lane.failures[#lane.failures]
  return newest and newest.at or 0
end

local function read_lane(line)
  local parts = split(line, ',')
  local lane = {
    device = parts[1],
    run = tonumber(parts[2] or '') or 0,
    cooldown = unpacked(parts[3] or ''),
    reset = unpacked(parts[4] or ''),
    starts = since(read_log(parts[5] or '', NAME), NOW - POLICY.horizon),
    failures = read_log(parts[6] or '', 0),
    waived = since(read_log(parts[7] or '', 0), NOW - POLICY.day),
  }
  if last_failure(lane) + POLICY.lock_for <= NOW then
    lane.run = 0
  end
  local newest = lane.failures[#lane.failures]
  lane.failures = since(lane.failures, NOW - POLICY.horizon)
  if lane.run > 0 and #lane.failures == 0 then
    lane.failures = {newest}
  end
  if lane.cooldown <= NOW then
    lane.cooldown = 0
  end
  if lane.device == '' and lane.reset + POLICY.day <= NOW then
    lane.reset = 0
  end
  return lane
end

local function write_lane(lane)
  return table.concat({
    lane.device, lane.run == 0 and '' or text(lane.run),
    pack_optional(lane.cooldown), pack_optional(lane.reset),
    write_log(lane.starts), write_log(lane.failures), write_log(lane.waived)}, ',')
end

-- Until when there is something to remember.
local function kept_until(lane)
  local keep = NOW + POLICY.horizon
  if lane.run > 0 then
    keep = math.max(keep, last_failure(lane) + POLICY.lock_for)
  end
  if lane.device ~= '' then
    keep = math.max(keep, lane.reset + POLICY.known_for)
  end
  return keep
end

-- Milliseconds until every window lets one more through. A window of N is full exactly while
-- the Nth newest event is inside it.
local function wait_for_windows(log, windows)
  local wait = 0
  for _, window in ipairs(windows) do
    local count, span = window[1], window[2]
    local nth = log[#log - count + 1]
    if nth then
      wait = math.max(wait, nth.at + span - NOW)
    end
  end
  return wait
end

-- For each window, flat: how many events it has, and milliseconds until it has room for one more
-- than it has now; 0 where it is empty.
local function fillings(log, windows)
  local flat = {}
  for _, window in ipairs(windows) do
    local count, span = window[1], window[2]
    local inside = since(log, NOW - span)
    local leaving = inside[math.max(1, #inside - count + 1)]
    flat[#flat + 1] = #inside
    flat[#flat + 1] = leaving and leaving.at + span - NOW or 0
  end
  return flat
end

-- Why no guess is compared: name and milliseconds, or '' and 0.
local function guess_limit(lane)
  if lane.run >= POLICY.lock then
    return 'locked', last_failure(lane) + POLICY.lock_for - NOW
  end
  local wait = wait_for_windows(lane.failures, POLICY.failures)
  if wait > 0 then
    return 'failures', wait
  end
  return '', 0
end

-- What a new start waits for, and the longest of all it waits for: name and milliseconds, or ''
-- and 0. A spent guess budget is named before any pause that happens to be longer. Behind them
-- which limits would refuse it, were they not in dry run.
local function start_limit(lane)
  local limit, wait = guess_limit(lane)
  local windows = wait_for_windows(lane.starts, POLICY.starts)
  local cooldown = lane.cooldown - NOW
  local dry = {}
  if windows > 0 and POLICY.dry.number then
    dry[#dry + 1], windows = 'number', 0
  end
  if cooldown > 0 and POLICY.dry.cooldown then
    dry[#dry + 1], cooldown = 'cooldown', 0
  end
  if limit == '' and math.max(windows, cooldown) > 0 then
    limit = windows > cooldown and 'number' or 'cooldown'
  end
  return limit, math.max(wait, windows, cooldown, 0), dry
end

local function count_start(lane, own)
  add(lane.starts, string.sub(own, 1, NAME))
  -- One less than the reset: a start in the very millisecond of the approval counts itself.
  local step = #since(lane.starts, math.max(NOW - POLICY.day, lane.reset - 1))
  lane.cooldown = NOW + POLICY.cooldowns[math.min(step, #POLICY.cooldowns)]
end

-- Gives a start's quota back. The cooldown ends only where it is this start's own: a late word
-- about an older call must not shorten the pause after a newer one.
local function refund(lane, verification)
  local created, name = tonumber(verification.created), string.sub(verification.own, 1, NAME)
  for i = #lane.starts, 1, -1 do
    if lane.starts[i].at == created and lane.starts[i].name == name then
      if i == #lane.starts then
        lane.cooldown = 0
      end
      table.remove(lane.starts, i)
      return
    end
  end
end

-- What a right code does to the lane it was entered in. The day's failures stay: they may have
-- been somebody else's.
local function approve(lane)
  lane.run, lane.reset, lane.cooldown = 0, NOW, 0
end
