-- Ends a pending verification. A final one stays what it is.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 app
-- Returns  {'missing'}, or a view with 'found'.

local verification = load_verification(ARGV[3])
if not verification or verification.app ~= ARGV[4] then
  return {'missing'}
end
if state_of(verification) == 'pending' then
  finish(verification, 'canceled')
end
return view('found', load_number(KEYS[2]), KEYS[1])
