-- Shows the budgets of a number and what refuses its starts. Writes nothing.
--
-- KEYS  1 the number   2 restrictions   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers, then one for each app
-- Args  {number, country, limits: names in the order of their keys, without the apps',
--        test: whether it is a test number}
-- Returns {kept, budgets, paused, suspended, strangers, known, rule, usage, conversion}
--   kept         whether the number has any state
--   budgets      a list, the strangers' first: {device, wrong_in_a_row, limit, wait, starts, failures}
--   paused, suspended   ms until the operator's | the breaker's pause ends; 0: calls are not paused
--   strangers, known    the limits and guards that refuse a start of strangers | of known devices:
--                       {limit, scope, wait} (shared_limits.lua)
--   rule         the operator's rule in force: {kind, prefix, wait}
--   usage        for each limit and each app a list of {used, wait}, one for each window
--   conversion   {limit, started, approved} of the prefix and of the country

--- @include "decision"
--- @include "number"
--- @include "device_budget"
--- @include "breaker"
--- @include "conversion"
--- @include "wide_limits"
--- @include "shared_limits"

local function show_budget(state, budget, now)
  local limit, wait = number.start_block(state, budget, now)
  return {
    device = budget.device, wrong_in_a_row = budget.wrong_in_a_row or 0, limit = limit, wait = wait,
    starts = device_budget.usage(budget.starts, POLICY.starts, now),
    failures = device_budget.usage(budget.failures, POLICY.failures, now),
  }
end

local function show_usage(KEYS, shared, now)
  local usage = {}
  for i, counter in ipairs(shared.counters) do
    usage[i] = wide_limits.usage(counter.counts, counter.limit, now)
  end
  for i = 6 + #shared.counters, #KEYS do
    local counts = wide_limits.parse(KEYS[i], redis.call('GET', KEYS[i]), 'app', now)
    table.insert(usage, wide_limits.usage(counts, 'app', now))
  end
  return usage
end

decision('show_number', {'no-writes'}, function(KEYS, args, now)
  local state, kept = number.load(KEYS[1], now)
  local shown = {kept = kept, budgets = {}, conversion = {}}
  number.each_budget(state, function(budget)
    table.insert(shown.budgets, show_budget(state, budget, now))
  end)

  local start = {number = args.number, country = args.country, limits = args.limits, known = true,
                 is_test = args.test}
  local shared_keys = {restrictions = KEYS[2], prefix = KEYS[4], country = KEYS[5],
                       limits = {unpack(KEYS, 6, 5 + #args.limits)}}
  local shared = shared_limits.load(shared_keys, start, now)
  shown.usage = show_usage(KEYS, shared, now)
  shown.known = shared_limits.judge(shared, start, now).refusals
  start.known = false
  shown.strangers = shared_limits.judge(shared, start, now).refusals
  if shared.rule then
    shown.rule = {kind = shared.rule.kind, prefix = shared.rule_prefix,
                  wait = shared.rule['until'] - now}
  end
  shown.paused = math.max(0, shared.pause - now)
  shown.suspended = args.test and 0 or breaker.wait(breaker.load(KEYS[3], now), now)
  for i, scope in ipairs(shared.scopes) do
    local started, approved = conversion.settled(scope.counts, now)
    shown.conversion[i] = {limit = scope.limit, started = started, approved = approved}
  end
  return shown
end)
