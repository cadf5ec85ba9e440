-- Shows what a number may still do, and what refuses its starts, by the functions that refuse them.
--
-- KEYS  1 the number   2 restrictions   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers, then for each app
-- Asked {number, country, limits: names in the order of their keys, apps: how many of the last are
--        apps', test: it is a test number}
-- Returns {kept, budgets, paused, suspended, strangers, known, rule, usage, conversion}
--   kept         whether anything is kept of the number
--   budgets      a list, the strangers' first: {device, wrong_in_a_row, limit, wait, starts, failures}
--   paused, suspended   ms that calls are paused by the operator | by the breaker; 0: they are not
--   strangers, known    what refuses a start of strangers | of known devices: {limit, place, wait,
--                       rule} (shared_limits.lua)
--   rule         the operator's rule that decides: {kind, prefix, wait}
--   usage        for each limit a list of {used, wait}, one for each window
--   conversion   {limit, started, approved} of the prefix and of the country

--- @include "decision"
--- @include "number"
--- @include "device_budget"
--- @include "breaker"
--- @include "conversion"
--- @include "wide_limits"
--- @include "shared_limits"

local function show_budget(budget, now)
  local limit, wait = device_budget.start_block(budget, now)
  return {
    device = budget.device, wrong_in_a_row = budget.wrong_in_a_row or 0, limit = limit, wait = wait,
    starts = device_budget.usage(budget.starts, POLICY.starts, now),
    failures = device_budget.usage(budget.failures, POLICY.failures, now),
  }
end

decision('show_number', {'no-writes'}, function(KEYS, asked, now)
  local state, kept = number.load(KEYS[1], now)
  local shown = {kept = kept, budgets = {}, usage = {}, conversion = {}}
  number.each_budget(state, function(budget)
    table.insert(shown.budgets, show_budget(budget, now))
  end)

  local limits, names = {}, {}
  for i, limit in ipairs(asked.limits) do
    local counts = wide_limits.parse(KEYS[5 + i], redis.call('GET', KEYS[5 + i]), limit, now)
    shown.usage[i] = wide_limits.usage(counts, limit, now)
    if i <= #asked.limits - asked.apps then
      limits[i], names[i] = KEYS[5 + i], limit
    end
  end
  local places = {restrictions = KEYS[2], prefix = KEYS[4], country = KEYS[5], limits = limits}
  local question = {number = asked.number, country = asked.country, limits = names, known = true,
                    is_test = asked.test}
  local shared = shared_limits.load(places, question, now)
  shown.known = shared_limits.judge(shared, question, now).refusals
  question.known = false
  shown.strangers = shared_limits.judge(shared, question, now).refusals
  if shared.rule then
    shown.rule = {kind = shared.rule.kind, prefix = shared.rule_prefix,
                  wait = shared.rule['until'] - now}
  end
  shown.paused = math.max(0, shared.pause - now)
  shown.suspended = asked.test and 0 or breaker.wait(breaker.load(KEYS[3], now), now)
  for i, place in ipairs(shared.places) do
    local started, approved = conversion.settled(place.counts, now)
    shown.conversion[i] = {limit = place.limit, started = started, approved = approved}
  end
  return shown
end)
