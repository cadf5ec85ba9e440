-- Ends a number's lock and deletes its wrong guesses, in every budget. Starts do not change.
--
-- KEYS  1 the number
-- Args  {}
-- Returns {kept: whether the number has any state, forgotten: the number of wrong guesses deleted}

--- @include "decision"
--- @include "number"

decision('unlock', {'allow-oom'}, function(KEYS, _, now)
  local state, kept = number.load(KEYS[1], now)
  local forgotten = 0
  number.each_stored(state, function(budget)
    local failures = budget.failures and #budget.failures or 0
    forgotten = forgotten + math.max(budget.wrong_in_a_row or 0, failures)
    budget.wrong_in_a_row, budget.failures = nil, nil
  end)
  number.save(KEYS[1], state, now)
  return {kept = kept, forgotten = forgotten}
end)
