-- The keys that functions access without a declaration. store/keys.py lists all keys.

local keys = {counts = '{verify}:counts', timeline = '{verify}:timeline'}

function keys.verification(tag, short_id)
  return '{verify}:v:' .. tag .. ':' .. short_id
end

-- Returns the short id in a verification's key: 11 characters (domain/ids.py). A pattern takes 3 us.
function keys.short_id(key)
  return string.sub(key, -11)
end

-- Returns the scope in the key of a limit over many numbers.
function keys.scope(key, limit)
  return string.sub(key, #('{verify}:limit:' .. limit .. ':') + 1)
end

function keys.new_events(app)
  return '{verify}:events:' .. app
end

function keys.conversion(scope)
  return '{verify}:conversion:' .. scope
end

return keys
