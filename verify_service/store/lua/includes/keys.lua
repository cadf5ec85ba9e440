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

-- Deletes a key if it has another type than that of a command.
function keys.delete_other_type(key, command, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err and string.find(tostring(reply.err), 'WRONGTYPE') then
    redis.pcall('DEL', key)
  end
end

return keys
