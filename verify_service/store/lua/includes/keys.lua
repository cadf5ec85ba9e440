-- Names of the keys that are found in state instead of declared. store/keys.py has all of them.

local keys = {}

function keys.verification(tag, own)
  return '{verify}:v:' .. tag .. ':' .. own
end

function keys.conversion(place)
  return '{verify}:conversion:' .. place
end

return keys
