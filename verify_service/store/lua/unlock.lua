-- Ends a number's lock, its runs and the day's failures, in every budget. Starts stay as they are.
--
-- KEYS  1 the number
-- Asked {}
-- Returns {kept: whether anything is kept, forgotten: wrong guesses}

--- @include "decision"
--- @include "number"

decision('unlock', {'allow-oom'}, function(KEYS, _, now)
  local state, kept = number.load(KEYS[1], now)
  local forgotten = 0
  number.each_budget(state, function(budget)
    local failures = budget.failures and #budget.failures or 0
    forgotten = forgotten + math.max(budget.wrong_in_a_row or 0, failures)
    budget.wrong_in_a_row, budget.failures = nil, nil
  end)
  number.save(KEYS[1], state, now)
  return {kept = kept, forgotten = forgotten}
end)
