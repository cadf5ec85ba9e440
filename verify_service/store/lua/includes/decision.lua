-- Registers one decision as a function of the library.
--
-- A decision receives the keys that Python declares, one object of arguments, and the current moment.
-- It returns one object, and if it concerns a verification, its text as stored. A moment is unixtime
-- in milliseconds by this server's clock, never by a caller's.
--
-- Every decision reads each key that it may write, declared or not, before its first write: while a
-- cluster migrates the slot, Redis refuses access to a key on the other node, and then nothing has
-- been written. A key that is not declared is read together with one that is (json.lua).
--
-- Flags: 'allow-oom' for a decision that must run when memory is full; what it writes is bounded.
-- 'no-writes' for one that only reads, so that it runs on a Redis that takes no writes.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

return function(name, flags, decide)
  redis.register_function{
    function_name = name .. '_' .. DIGEST,
    flags = flags,
    callback = function(keys, arguments)
      local result, text = decide(keys, cjson.decode(arguments[1]), clock())
      return {cjson.encode(result), text}
    end,
  }
end
