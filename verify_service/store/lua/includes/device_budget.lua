-- What one kind of caller may still do with a number.
--
-- A number has one budget for strangers, and one for each device that verified it, a few at most.
-- Guesses, windows and cooldown belong to a budget: strangers can neither lock the owner out nor
-- use up the owner's starts, and a device that the number does not know brings no guesses with it.
--
--   device           the device's digest; missing for strangers
--   wrong_in_a_row   wrong guesses without a right one
--   cooldown_until   until when no new start is let through
--   cooldown_of      the own name of the start that this pause follows
--   approved_at      the last approval: the cooldown ladder counts from there, and so does how long
--                    a device is known
--   starts           moments of the starts that count
--   failures         moments of wrong guesses; the newest stays as long as wrong_in_a_row does
--   refunds          moments at which an undelivered call gave its start back
--
-- Lists are ordered by time; an empty one is missing.

local device_budget = {}

-- Milliseconds. A start that lies further ahead shows that the clock stepped back: its cooldown would
-- last longer than its setting, so it is over.
local TOLERATED_STEP = 1000

-- Returns a list without the events up to a moment, and with no more than the newest `most`.
local function recent(moments, after, most)
  if not moments then
    return nil
  end
  local first = math.max(1, #moments - most + 1)
  while moments[first] and moments[first] <= after do
    first = first + 1
  end
  if first == 1 then
    return moments
  end
  local kept = {}
  for i = first, #moments do
    kept[#kept + 1] = moments[i]
  end
  return kept[1] and kept or nil
end

local function newest(moments)
  return moments and moments[#moments] or 0
end

-- Forgets what no limit asks for any more.
--
--   horizon, most   how long, and how many events of each kind are kept (number.lua)
function device_budget.prune(budget, horizon, most, now)
  local last = newest(budget.failures)
  if last + POLICY.lock_for <= now then
    budget.wrong_in_a_row = nil
  end
  budget.starts = recent(budget.starts, now - horizon, most)
  budget.failures = recent(budget.failures, now - horizon, most)
  if budget.wrong_in_a_row and not budget.failures then
    budget.failures = {last}
  end
  budget.refunds = recent(budget.refunds, now - POLICY.day, POLICY.refunds_per_day)
  local stepped_back = newest(budget.starts) > now + TOLERATED_STEP
  if (budget.cooldown_until or 0) <= now or stepped_back then
    budget.cooldown_until, budget.cooldown_of = nil, nil
  end
  if not budget.device and (budget.approved_at or 0) + POLICY.day <= now then
    budget.approved_at = nil
  end
end

-- Until when there is something to remember; 0 where there is nothing.
function device_budget.kept_until(budget, horizon)
  local keep = budget.cooldown_until or 0
  if budget.starts then
    keep = math.max(keep, newest(budget.starts) + horizon)
  end
  if budget.failures then
    local span = budget.wrong_in_a_row and math.max(horizon, POLICY.lock_for) or horizon
    keep = math.max(keep, newest(budget.failures) + span)
  end
  if budget.refunds then
    keep = math.max(keep, newest(budget.refunds) + POLICY.day)
  end
  if budget.approved_at then
    local span = budget.device and POLICY.known_for or POLICY.day
    keep = math.max(keep, budget.approved_at + span)
  end
  return keep
end

-- Milliseconds until every window lets one more through. A window of N is full exactly while the
-- Nth newest event is inside it.
local function wait_for_windows(moments, windows, now)
  local wait = 0
  for _, window in ipairs(moments and windows or {}) do
    local nth = moments[#moments - window.count + 1]
    if nth then
      wait = math.max(wait, nth + window.span - now)
    end
  end
  return wait
end

-- For each window: how many events it has, and milliseconds until it has room for one more than it
-- has now; 0 where it is empty.
function device_budget.usage(moments, windows, now)
  local usage = {}
  for i, window in ipairs(windows) do
    local inside = recent(moments, now - window.span, math.huge) or {}
    local leaves = inside[math.max(1, #inside - window.count + 1)]
    usage[i] = {used = #inside, wait = leaves and leaves + window.span - now or 0}
  end
  return usage
end

-- Returns why no guess is compared: limit and milliseconds, or nil.
function device_budget.guess_block(budget, now)
  if (budget.wrong_in_a_row or 0) >= POLICY.lock_after then
    return 'locked', newest(budget.failures) + POLICY.lock_for - now
  end
  local wait = wait_for_windows(budget.failures, POLICY.failures, now)
  if wait > 0 then
    return 'failures', wait
  end
end

-- Returns why no start is let through: a limit, and the milliseconds until all of them let one
-- through, or nil. A spent guess budget is named before a pause that happens to be longer. Behind
-- them a list of the limits in dry run that would refuse.
function device_budget.start_block(budget, now)
  local limit, wait = device_budget.guess_block(budget, now)
  local windows = wait_for_windows(budget.starts, POLICY.starts, now)
  local cooldown = (budget.cooldown_until or now) - now
  local dry = {}
  if windows > 0 and POLICY.dry.number then
    dry[#dry + 1], windows = 'number', 0
  end
  if cooldown > 0 and POLICY.dry.cooldown then
    dry[#dry + 1], cooldown = 'cooldown', 0
  end
  local longest = math.max(wait or 0, windows, cooldown)
  if longest <= 0 then
    return nil, nil, dry
  end
  return limit or (windows > cooldown and 'number' or 'cooldown'), longest, dry
end

function device_budget.count_start(budget, own, now)
  budget.starts = budget.starts or {}
  table.insert(budget.starts, now)
  -- One less than the approval: a start in the very millisecond of the approval counts itself.
  local since = math.max(now - POLICY.day, (budget.approved_at or 0) - 1)
  -- None of them is after an approval that lies ahead, where the clock stepped back.
  local step = math.max(1, #(recent(budget.starts, since, math.huge) or {}))
  budget.cooldown_until = now + POLICY.cooldowns[math.min(step, #POLICY.cooldowns)]
  budget.cooldown_of = own
end

-- Gives a start back. The cooldown ends only where it is this start's own: late news of an older
-- call must not shorten the pause after a newer one.
function device_budget.refund(budget, own, moment)
  if budget.cooldown_of == own then
    budget.cooldown_until, budget.cooldown_of = nil, nil
  end
  for i, start in ipairs(budget.starts or {}) do
    if start == moment then
      table.remove(budget.starts, i)
      budget.starts = budget.starts[1] and budget.starts
      return
    end
  end
end

-- Counts a wrong guess.
function device_budget.count_failure(budget, now)
  budget.wrong_in_a_row = (budget.wrong_in_a_row or 0) + 1
  budget.failures = budget.failures or {}
  table.insert(budget.failures, now)
end

-- Applies a right guess. The failures of the day stay: they may have been somebody else's.
function device_budget.approve(budget, now)
  budget.wrong_in_a_row, budget.cooldown_until, budget.cooldown_of = nil, nil, nil
  budget.approved_at = now
end

return device_budget
