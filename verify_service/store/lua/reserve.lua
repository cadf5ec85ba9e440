-- Reserves a verification and counts its start in every limit, or refuses and counts nothing.
--
-- KEYS  1 the verification   2 its number   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers
--       then restrictions, counts, past counts, timeline, and if a body is given, the
--       Idempotency-Key
-- Args  {id, short_id, tag, app, number, masked, country, digest, reference, device, test,
--        webhook: whether the app has an address for events,
--        limits: names in the order of their keys, body: the digest of the request}
-- Returns one of
--   {bound: id, same_body, view} and the verification   an earlier start has the Idempotency-Key
--   {reserved, probe, view, dry} and the verification   dry: the limits of the number in dry run that
--                                                       would have refused it
--   {refused: limit, wait in ms, scope: the prefix or country of a limit over many numbers}
--   {blocked: ms, scope: the prefix} | {paused: ms}     by the operator
--   {suspended: ms}                                     by the breaker
-- each with notices, a list, and outboxes, from outbox.added
--
-- Safe to repeat: a second run finds the first one's verification under its short id.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"
--- @include "calls"
--- @include "breaker"
--- @include "shared_limits"
--- @include "statistics"
--- @include "counts"
--- @include "timeline"
--- @include "outbox"

-- Returns the verification to which an earlier start bound the Idempotency-Key, or nil. A key whose
-- verification has expired is free. It reads the verification as status.lua does.
local function bound_before(KEYS, args, state, ledger, now)
  local binding = json.read(KEYS[#KEYS])
  local short_id, found, text
  if binding then
    short_id = string.sub(binding.id, 1, #args.short_id)
    found, text = verification.load(keys.verification(binding.tag, short_id), args.app, KEYS[#KEYS])
  end
  if not found or binding.id == args.id then
    return nil
  end
  if binding.body ~= args.body or binding.tag ~= args.tag then
    return {bound = binding.id, same_body = false}
  end
  local matched_id, matched, came = calls.match(state, KEYS[2], args.tag, now, short_id, found)
  local box = outbox.of(matched, KEYS[#KEYS])
  if matched then
    outbox.add(box, matched, matched_id, matched.call.state,
               verification.view(matched, state, now), ledger)
  end
  if verification.expire(found, now) or matched == found then
    text = json.write(keys.verification(args.tag, short_id), found)
  elseif matched then
    json.write(keys.verification(args.tag, matched_id), matched)
  end
  if matched then
    number.save(KEYS[2], state, now)
    counts.reported(ledger, matched, matched_id, nil, came)
  end
  return {bound = binding.id, same_body = true, view = verification.view(found, state, now),
          outboxes = outbox.added(box)}, text
end

-- Returns the limit and the longest wait, after which no limit refuses the start. A spent guess budget
-- is the limit even if another has the longest wait: only time ends it.
local function longest_refusal(limit, wait, refusals)
  local spent = limit == 'failures' or limit == 'locked'
  for _, refusal in ipairs(refusals) do
    if refusal.wait > (wait or 0) then
      limit, wait = spent and limit or refusal.limit, refusal.wait
    end
  end
  return limit, wait
end

-- Returns the scope of the limit that refuses a start, or nil if it has none: of several refusals by one
-- limit the longest.
local function scope_of(limit, refusals)
  local scope, longest
  for _, refusal in ipairs(refusals) do
    if refusal.limit == limit and refusal.scope ~= '' and refusal.wait > (longest or 0) then
      scope, longest = refusal.scope, refusal.wait
    end
  end
  return scope
end

local function limit_keys(KEYS, args)
  local last = 5 + #args.limits
  return {restrictions = KEYS[last + 1], prefix = KEYS[4], country = KEYS[5],
          limits = {unpack(KEYS, 6, last)}, counts = KEYS[last + 2], past = KEYS[last + 3],
          timeline = KEYS[last + 4]}
end

-- Counts a start that was refused. The scope of a country's, an app's and a client's limit is in its key.
local function count_refusal(ledger, named, args, result)
  local limit, scope = result.refused, result.scope
  for i, name in ipairs(args.limits) do
    if not scope and name == limit and name ~= 'day' then
      scope = keys.scope(named.limits[i], limit)
    end
  end
  limit = limit or result.blocked and 'blocked' or result.paused and 'paused' or 'breaker'
  counts.refusal(ledger, args, limit, scope)
end

local function new_verification(args, known, now)
  return {
    app = args.app, number = args.number, country = args.country,
    reference = args.reference, digest = args.digest, left = POLICY.max_checks,
    created = now, expires = now + POLICY.code_ttl_ms, state = 'pending',
    device = args.device, known = known or nil, test = args.test, call = {state = 'placing'},
    webhook = args.webhook and string.sub(args.id, #args.short_id + 1) or nil,
  }
end

-- Writes the verification and its Idempotency-Key, and counts the start. Returns the result.
local function write_start(KEYS, args, decided, now)
  device_budget.count_start(decided.budget, args.short_id, now)
  local found = new_verification(args, decided.start.known, now)
  local probe = not args.test and breaker.pass(KEYS[3], decided.breaker_state, args.short_id, now)
  found.reservation = {
    limits = shared_limits.count_start(decided.shared, decided.judged, decided.start, now),
    probe = probe or nil,
  }
  local readable_until = found.expires + POLICY.readable_ms
  decided.state.calls = decided.state.calls or {}
  decided.state.calls[args.short_id] = {['until'] = readable_until}
  local text = json.write(KEYS[1], found, readable_until)
  number.save(KEYS[2], decided.state, now)
  if args.body then
    json.write(KEYS[#KEYS], {body = args.body, id = args.id, tag = args.tag}, readable_until)
  end
  return {reserved = true, probe = probe, view = verification.view(found, decided.state, now)}, text
end

-- Returns the verification that an earlier start under the same Idempotency-Key, or a first run of this
-- start, has reserved; else nil.
local function reserved_before(KEYS, args, state, ledger, now)
  if args.body then
    local bound, text = bound_before(KEYS, args, state, ledger, now)
    if bound then
      return bound, text
    end
  end
  local found, text = verification.load(KEYS[1])
  if found then
    local probe = found.reservation and found.reservation.probe or false
    return {reserved = true, probe = probe, view = verification.view(found, state, now)}, text
  end
end

decision('reserve', {}, function(KEYS, args, now)
  local state, _, stepped_back = number.load(KEYS[2], now)
  local named = limit_keys(KEYS, args)
  local ledger = statistics.open(named.counts, named.timeline, now, named.past)
  local before, before_text = reserved_before(KEYS, args, state, ledger, now)
  if before then
    return before, before_text
  end

  local matched_id, matched, came = calls.match(state, KEYS[2], args.tag, now)
  local budget = number.budget_for(state, args.device)
  local start = {number = args.number, country = args.country, limits = args.limits,
                 known = budget ~= state.strangers, is_test = args.test}
  local shared = shared_limits.load(named, start, now)
  local judged, breaker_state = shared_limits.judge(shared, start, now), breaker.load(KEYS[3], now)
  local limit, wait, dry = number.start_block(state, budget, now)
  limit, wait = longest_refusal(limit, wait, judged.refusals)
  local suspended = args.test and 0 or breaker.wait(breaker_state, now)
  local box = outbox.of(matched, KEYS[1])

  if matched then
    outbox.add(box, matched, matched_id, matched.call.state,
               verification.view(matched, state, now), ledger)
    json.write(keys.verification(args.tag, matched_id), matched)
  end
  if matched or stepped_back then
    number.save(KEYS[2], state, now)
  end
  local result, text
  local notices = shared_limits.write_guards(shared, judged, now)
  if judged.block then
    result = {blocked = judged.block.wait, scope = judged.block.scope}
  elseif shared.pause > now then
    result = {paused = shared.pause - now}
  elseif suspended > 0 then
    result = {suspended = suspended}
  elseif limit then
    result = {refused = limit, wait = wait, scope = scope_of(limit, judged.refusals)}
  else
    local decided = {state = state, budget = budget, start = start, shared = shared,
                     judged = judged, breaker_state = breaker_state}
    result, text = write_start(KEYS, args, decided, now)
    result.dry = dry
  end
  if matched then
    counts.reported(ledger, matched, matched_id, nil, came)
  end
  if text then
    counts.event(ledger, args, 'started')
    local detail = args.id .. ' ' .. args.app .. ' ' .. args.country .. ' ' .. args.masked
    timeline.add(ledger, args, args.short_id, 'started', detail)
  else
    count_refusal(ledger, named, args, result)
  end
  result.notices, result.outboxes = notices, outbox.added(box)
  return result, text
end)
