-- Sets the operator's rule for a prefix, or removes every restriction of a scope.
--
-- KEYS  1 restrictions
-- Args  {scope: a prefix, a country or an alarm's name, kind: block | allow | none, span: ms}
-- Returns {in_force: the number of the scope's restrictions that were in force}

--- @include "decision"
--- @include "restrictions"

decision('set_rule', {'allow-oom'}, function(KEYS, args, now)
  local fields = {'rule ' .. args.scope, 'conversion ' .. args.scope, 'alarm ' .. args.scope}
  local in_force = 0
  for _, entry in ipairs(restrictions.get(KEYS[1], fields, now)) do
    in_force = in_force + (entry['until'] > now and 1 or 0)
  end
  if args.kind == 'none' then
    restrictions.remove(KEYS[1], fields)
  else
    local entry = {kind = args.kind, ['until'] = now + args.span}
    restrictions.set(KEYS[1], {[fields[1]] = entry}, now)
  end
  return {in_force = in_force}
end)
