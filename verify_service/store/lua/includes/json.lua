-- How state is kept: one JSON object per key, which expires with the last thing in it.
--
-- Members that this release does not know stay where they are: objects are changed in place.
-- cjson encodes an empty list as {}, and reads both as an empty table.

local json = {}

-- Returns the object at a key and its text, or nil.
--
--   beside   for a key that is found: one that is declared. To the master that takes a slot over,
--            a key that has not come yet is missing; only a command of two keys is refused then.
function json.read(key, beside)
  local text
  if beside then
    text = redis.call('MGET', beside, key)[2]
  else
    text = redis.call('GET', key)
  end
  if text then
    return cjson.decode(text), text
  end
end

-- Writes an object. Its key expires at a moment, or where that is nil, when it did before. Returns
-- its text.
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
