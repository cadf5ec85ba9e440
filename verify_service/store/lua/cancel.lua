-- Ends a pending verification. A final one stays what it is.
--
-- KEYS  1 v:{tag}:<key>   2 n:{tag}
-- ARGV  1 policy  2 app
-- Returns  {'missing'}, or a view with 'found'.

local verification = load_verification(KEYS[1])
if not verification or verification.app ~= ARGV[2] then
  return {'missing'}
end
if state_of(verification) == 'pending' then
  finish(KEYS[1], 'canceled')
end
return view('found', load_number(KEYS[2]), KEYS[1])
