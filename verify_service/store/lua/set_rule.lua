-- Sets the operator's rule for a prefix, or ends whatever holds for a place.
--
-- KEYS  1 restrictions
-- Asked {place: a prefix, a country or an alarm's name, kind: block | allow | none, span: ms}
-- Returns {held: how many entries held until now}

--- @include "decision"
--- @include "restrictions"

decision('set_rule', {'allow-oom'}, function(KEYS, asked, now)
  local fields = {'rule ' .. asked.place, 'conversion ' .. asked.place, 'alarm ' .. asked.place}
  local held = 0
  for _, entry in ipairs(restrictions.get(KEYS[1], fields)) do
    held = held + (entry['until'] > now and 1 or 0)
  end
  if asked.kind == 'none' then
    restrictions.remove(KEYS[1], fields)
  else
    local entry = {kind = asked.kind, ['until'] = now + asked.span}
    restrictions.set(KEYS[1], {[fields[1]] = entry}, now)
  end
  return {held = held}
end)
