-- State: one JSON object per key, which expires with its last member.
--
-- Members that this release does not know are kept, because objects are changed in place. cjson encodes
-- an empty list as {}, and decodes both as an empty table.

local json = {}

-- Returns the object at a key and its text, or nil.
--
--   declared   a declared key, if the first one is not. On the node that imports a slot, a key that was
--              not migrated yet reads as missing; only a command with several keys is refused.
function json.read(key, declared)
  local text
  if declared then
    text = redis.call('MGET', declared, key)[2]
  else
    text = redis.call('GET', key)
  end
  if text then
    return cjson.decode(text), text
  end
end

-- Writes an object. Its key expires at a moment, or keeps its TTL if that is nil. Returns the text.
function json.write(key, object, expires_at)
  local text = cjson.encode(object)
  if expires_at then
    redis.call('SET', key, text, 'PXAT', expires_at)
  else
    redis.call('SET', key, text, 'KEEPTTL')
  end
  return text
end

return json
