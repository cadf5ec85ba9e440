-- The keys that functions access without a declaration. store/keys.py lists all keys.

local keys = {}

function keys.verification(tag, short_id)
  return '{verify}:v:' .. tag .. ':' .. short_id
end

function keys.conversion(scope)
  return '{verify}:conversion:' .. scope
end

return keys
