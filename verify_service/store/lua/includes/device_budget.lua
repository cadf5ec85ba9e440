-- A device budget: what one device, or all strangers together, may still do with a number.
--
-- A number has one budget for strangers, and one for each of at most POLICY.max_devices devices that
-- verified it. Guesses, windows and cooldown belong to a budget: strangers can neither lock the owner
-- out nor use up the owner's starts, and an unknown device adds no guesses.
--
--   device           the device's digest; missing for strangers
--   wrong_in_a_row   wrong guesses without a right one
--   cooldown_until   until when no new start is let through
--   cooldown_of      the short id of the start that began the cooldown
--   throttled_until  until when the provider asked this number to wait; neither an approval, a refund
--                    nor a dry run of the cooldown ends it
--   approved_at      the last approval: the cooldown ladder and the time for which a device is
--                    known begin there
--   starts           moments of the starts that count
--   failures         moments of wrong guesses; the newest is kept as long as wrong_in_a_row
--   refunds          moments of refunds for undelivered calls
--   given_back       moments of refunds for calls that were not placed
--
-- Lists are ordered by time; an empty one is missing.

local device_budget = {}

-- A start further in the future shows that the clock stepped back: its cooldown ends.
local TOLERATED_CLOCK_STEP_MS = 1000

local LISTS = {'starts', 'failures', 'refunds', 'given_back'}
local MOMENTS = {'cooldown_until', 'throttled_until', 'approved_at'}

-- Returns the events after a moment, the newest `most` of them, or nil if none is left.
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

-- Returns the latest event of a budget; 0 if it has none. Later than now, it shows that the clock
-- stepped back.
function device_budget.latest(budget)
  local latest = budget.approved_at or 0
  for _, name in ipairs(LISTS) do
    latest = math.max(latest, newest(budget[name]))
  end
  return latest
end

-- Moves every moment back by a span, so that no wait becomes longer than its setting. Order and
-- distances stay, so each event counts for at least as long as it would have.
function device_budget.move_back(budget, span, now)
  if newest(budget.starts) > now + TOLERATED_CLOCK_STEP_MS then
    budget.cooldown_until, budget.cooldown_of = nil, nil
  end
  for _, name in ipairs(MOMENTS) do
    budget[name] = budget[name] and budget[name] - span
  end
  for _, name in ipairs(LISTS) do
    for i, moment in ipairs(budget[name] or {}) do
      budget[name][i] = moment - span
    end
  end
end

-- Adds the events of a budget to those of another.
function device_budget.merge(into, budget)
  for _, name in ipairs(LISTS) do
    for _, moment in ipairs(budget[name] or {}) do
      into[name] = into[name] or {}
      table.insert(into[name], moment)
    end
    if into[name] then
      table.sort(into[name])
    end
  end
end

-- Deletes what only a known device has; its events stay.
function device_budget.retire(budget)
  budget.wrong_in_a_row, budget.cooldown_until, budget.cooldown_of = nil, nil, nil
  budget.throttled_until, budget.approved_at = nil, nil
end

-- Deletes what no limit reads any more.
--
--   horizon, most   how long events of each kind are kept (ms), and how many (number.lua)
function device_budget.prune(budget, horizon, most, now)
  local last = newest(budget.failures)
  if last + POLICY.lock_ms <= now then
    budget.wrong_in_a_row = nil
  end
  budget.starts = recent(budget.starts, now - horizon, most)
  budget.failures = recent(budget.failures, now - horizon, most)
  if budget.wrong_in_a_row and not budget.failures then
    budget.failures = {last}
  end
  budget.refunds = recent(budget.refunds, now - POLICY.day_ms, POLICY.refunds_per_day)
  budget.given_back = recent(budget.given_back, now - POLICY.day_ms, most)
  if (budget.cooldown_until or 0) <= now then
    budget.cooldown_until, budget.cooldown_of = nil, nil
  end
  if (budget.throttled_until or 0) <= now then
    budget.throttled_until = nil
  end
  if not budget.device and (budget.approved_at or 0) + POLICY.day_ms <= now then
    budget.approved_at = nil
  end
end

-- Returns the moment until which the budget must be kept; 0 if it is empty.
function device_budget.kept_until(budget, horizon)
  local keep = math.max(budget.cooldown_until or 0, budget.throttled_until or 0)
  if budget.starts then
    keep = math.max(keep, newest(budget.starts) + horizon)
  end
  if budget.failures then
    local span = budget.wrong_in_a_row and math.max(horizon, POLICY.lock_ms) or horizon
    keep = math.max(keep, newest(budget.failures) + span)
  end
  if budget.refunds then
    keep = math.max(keep, newest(budget.refunds) + POLICY.day_ms)
  end
  if budget.given_back then
    keep = math.max(keep, newest(budget.given_back) + POLICY.day_ms)
  end
  if budget.approved_at then
    local span = budget.device and POLICY.known_device_ms or POLICY.day_ms
    keep = math.max(keep, budget.approved_at + span)
  end
  return keep
end

-- Milliseconds until every window has room. A window of N is full exactly while the Nth newest event is
-- inside it.
--
--   budgets   how many budgets share each window; missing: one
function device_budget.wait_for_windows(moments, windows, now, budgets)
  local wait = 0
  for _, window in ipairs(moments and windows or {}) do
    local nth = moments[#moments - window.count * (budgets or 1) + 1]
    if nth then
      wait = math.max(wait, nth + window.span_ms - now)
    end
  end
  return wait
end

-- Returns for each window its events, and the milliseconds until it has room for one more than now; 0
-- if it is empty.
function device_budget.usage(moments, windows, now)
  local usage = {}
  for i, window in ipairs(windows) do
    local inside = recent(moments, now - window.span_ms, math.huge) or {}
    local leaves = inside[math.max(1, #inside - window.count + 1)]
    usage[i] = {used = #inside, wait = leaves and leaves + window.span_ms - now or 0}
  end
  return usage
end

-- Returns the limit of this budget that blocks guesses and the milliseconds until it ends, or nil.
function device_budget.guess_block(budget, now)
  if (budget.wrong_in_a_row or 0) >= POLICY.lock_after then
    return 'locked', newest(budget.failures) + POLICY.lock_ms - now
  end
  local wait = device_budget.wait_for_windows(budget.failures, POLICY.failures, now)
  if wait > 0 then
    return 'failures', wait
  end
end

-- Returns the limit that blocks a start and the milliseconds until none does, or nil; then a list of the
-- limits in dry run that would. A spent guess budget is returned even if another limit lasts longer.
--
--   limit, wait   what blocks guesses (number.lua), or nil
function device_budget.start_block(budget, limit, wait, now)
  local windows = device_budget.wait_for_windows(budget.starts, POLICY.starts, now)
  local cooldown = (budget.cooldown_until or now) - now
  local dry = {}
  if windows > 0 and POLICY.dry_run.number then
    dry[#dry + 1], windows = 'number', 0
  end
  if cooldown > 0 and POLICY.dry_run.cooldown then
    dry[#dry + 1], cooldown = 'cooldown', 0
  end
  cooldown = math.max(cooldown, (budget.throttled_until or now) - now)
  local longest = math.max(wait or 0, windows, cooldown)
  if longest <= 0 then
    return nil, nil, dry
  end
  return limit or (windows > cooldown and 'number' or 'cooldown'), longest, dry
end

function device_budget.count_start(budget, short_id, now)
  budget.starts = budget.starts or {}
  table.insert(budget.starts, now)
  -- Minus one: a start in the same millisecond as the approval is counted.
  local since = math.max(now - POLICY.day_ms, (budget.approved_at or 0) - 1)
  -- No start is after an approval in the future (the clock stepped back).
  local step = math.max(1, #(recent(budget.starts, since, math.huge) or {}))
  budget.cooldown_until = now + POLICY.cooldowns_ms[math.min(step, #POLICY.cooldowns_ms)]
  budget.cooldown_of = short_id
end

-- Removes a start of a moment. The cooldown ends only if this start began it: a late callback for an
-- older call must not shorten the cooldown of a newer one. If the clock stepped back, a start was moved
-- from its moment: then the newest one is removed.
function device_budget.refund(budget, short_id, moment, now)
  local is_newest = budget.cooldown_of == short_id or moment > now
  if budget.cooldown_of == short_id then
    budget.cooldown_until, budget.cooldown_of = nil, nil
  end
  for i, start in ipairs(budget.starts or {}) do
    if start == moment or (is_newest and i == #budget.starts) then
      table.remove(budget.starts, i)
      budget.starts = budget.starts[1] and budget.starts
      return
    end
  end
end

-- Returns whether one more call that was not placed is given back.
function device_budget.may_give_back(budget, now)
  return device_budget.wait_for_windows(budget.given_back, POLICY.given_back, now) <= 0
end

-- Removes the start of a call that was not placed.
function device_budget.give_back(budget, short_id, moment, now)
  budget.given_back = budget.given_back or {}
  table.insert(budget.given_back, now)
  device_budget.refund(budget, short_id, moment, now)
end

function device_budget.count_failure(budget, now)
  budget.wrong_in_a_row = (budget.wrong_in_a_row or 0) + 1
  budget.failures = budget.failures or {}
  table.insert(budget.failures, now)
end

-- Applies a right guess. The failures of the day stay: another person may have made them.
function device_budget.approve(budget, now)
  budget.wrong_in_a_row, budget.cooldown_until, budget.cooldown_of = nil, nil, nil
  budget.approved_at = now
end

return device_budget
