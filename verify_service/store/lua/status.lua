-- Reads a verification as it stands.
--
-- KEYS  1 v:{tag}:<own>   2 n:{tag}
-- ARGV  1 policy  2 {tag}  3 own  4 app
-- Returns  {'missing'}, or a view with 'found'.
--
-- It writes only where a waiting callback can be matched with a call that time has made lost.

local verification = load_verification(ARGV[3])
if not verification or verification.app ~= ARGV[4] then
  return {'missing'}
end

local number = load_number(KEYS[2])
match_lost(number)
return view('found', number, KEYS[1])
