-- Registers one decision as a function of the library.
--
-- A decision takes the keys that Python declares, one object, and the moment; it returns one object,
-- and where it is about a verification, its text as it is stored now. A moment is unixtime in
-- milliseconds by this server's clock, never by a caller's.
--
-- Every decision reads each key that it may write, declared or found, before its first write. While
-- a cluster moves the slot key by key, Redis refuses the access to a key that is elsewhere: then
-- nothing has been written. So a key that is found is read beside one that is declared (json.lua).
--
-- Flags: 'allow-oom' where a decision must go on when memory is full; what it writes is bounded.
-- 'no-writes' where it only reads: then it goes on also where Redis takes no writes at all.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

return function(name, flags, decide)
  redis.register_function{
    function_name = name .. '_' .. DIGEST,
    flags = flags,
    callback = function(keys, arguments)
      local answer, text = decide(keys, cjson.decode(arguments[1]), clock())
      return {cjson.encode(answer), text}
    end,
  }
end
