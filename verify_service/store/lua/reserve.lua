-- Reserves a verification and takes its places in every limit, or refuses and takes none.
--
-- KEYS  1 the verification   2 its number   3 breaker   4 conversion of the prefix
--       5 conversion of the country   6… one for each limit over many numbers
--       then restrictions, and where a body is given, the Idempotency-Key
-- Asked {id, own, tag, app, number, country, digest, reference, device, test,
--        limits: names in the order of their keys, body: the digest of what the request says}
-- Returns one of
--   {bound: id, same_body, view} and the verification   the Idempotency-Key is an earlier start's
--   {reserved, probe, view, dry} and the verification   dry: the number's own limits that would have
--                                                       refused it
--   {refused: limit, wait in ms}
--   {paused: ms} | {suspended: ms}                      by the operator | by the breaker
-- each with notices, a list
--
-- Safe to repeat: a second run finds the first one's verification under its own name.

--- @include "decision"
--- @include "json"
--- @include "keys"
--- @include "number"
--- @include "device_budget"
--- @include "verification"
--- @include "calls"
--- @include "breaker"
--- @include "shared_limits"

-- Returns what an earlier start under the same Idempotency-Key led to, or nil. A key whose
-- verification is gone is free. It reads the verification as status.lua does.
local function bound_before(KEYS, asked, state, now)
  local binding = json.read(KEYS[#KEYS])
  local own, found, text
  if binding then
    own = string.sub(binding.id, 1, #asked.own)
    found, text = verification.load(keys.verification(binding.tag, own), asked.app, KEYS[#KEYS])
  end
  if not found or binding.id == asked.id then
    return nil
  end
  if binding.body ~= asked.body or binding.tag ~= asked.tag then
    return {bound = binding.id, same_body = false}
  end
  local own_bound, lost = calls.match(state, KEYS[2], asked.tag, now, own, found)
  if lost then
    local written = json.write(keys.verification(asked.tag, own_bound), lost)
    text = lost == found and written or text
    number.save(KEYS[2], state, now)
  end
  return {bound = binding.id, same_body = true, view = verification.view(found, state, now)}, text
end

-- Returns the refusal with the longest wait: after it all limits let a start through. A spent guess
-- budget keeps its name, since only time helps.
local function longest_refusal(limit, wait, refusals)
  local spent = limit == 'failures' or limit == 'locked'
  for _, refusal in ipairs(refusals) do
    if refusal.wait > (wait or 0) then
      limit, wait = spent and limit or refusal.limit, refusal.wait
    end
  end
  return limit, wait
end

local function limit_keys(KEYS, asked)
  local limits = {}
  for i = 1, #asked.limits do
    limits[i] = KEYS[5 + i]
  end
  return {restrictions = KEYS[6 + #limits], prefix = KEYS[4], country = KEYS[5], limits = limits}
end

local function new_verification(asked, known, now)
  return {
    app = asked.app, number = asked.number, country = asked.country,
    reference = asked.reference, digest = asked.digest, left = POLICY.checks,
    created = now, expires = now + POLICY.ttl, state = 'pending',
    device = asked.device, known = known or nil, test = asked.test, call = {state = 'placing'},
  }
end

-- Writes the start: in its budget, in every limit, and its Idempotency-Key. Returns the answer.
local function begin(KEYS, asked, start, now)
  device_budget.count_start(start.budget, asked.own, now)
  local found = new_verification(asked, start.question.known, now)
  local probe = not asked.test and breaker.pass(KEYS[3], start.breaker_state, asked.own, now)
  found.reservation = {
    limits = shared_limits.count_start(start.shared, start.judged, start.question, now),
    probe = probe or nil,
  }
  local readable_until = found.expires + POLICY.readable
  start.state.calls = start.state.calls or {}
  start.state.calls[asked.own] = {['until'] = readable_until}
  local text = json.write(KEYS[1], found, readable_until)
  number.save(KEYS[2], start.state, now)
  if asked.body then
    json.write(KEYS[#KEYS], {body = asked.body, id = asked.id, tag = asked.tag}, readable_until)
  end
  return {reserved = true, probe = probe, view = verification.view(found, start.state, now)}, text
end

-- Returns what this start has reserved already, where it is a second run, or what an earlier one under
-- its Idempotency-Key has; else nil.
local function reserved_before(KEYS, asked, state, now)
  if asked.body then
    local bound, text = bound_before(KEYS, asked, state, now)
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

decision('reserve', {}, function(KEYS, asked, now)
  local state = number.load(KEYS[2], now)
  local before, before_text = reserved_before(KEYS, asked, state, now)
  if before then
    return before, before_text
  end

  local own_bound, lost = calls.match(state, KEYS[2], asked.tag, now)
  local budget = number.budget_for(state, asked.device)
  local question = {number = asked.number, country = asked.country, limits = asked.limits,
                    known = budget ~= state.strangers, is_test = asked.test}
  local shared = shared_limits.load(limit_keys(KEYS, asked), question, now)
  local judged, breaker_state = shared_limits.judge(shared, question, now), breaker.load(KEYS[3], now)
  local limit, wait, dry = device_budget.start_block(budget, now)
  limit, wait = longest_refusal(limit, wait, judged.refusals)
  local suspended = asked.test and 0 or breaker.wait(breaker_state, now)

  if lost then
    json.write(keys.verification(asked.tag, own_bound), lost)
    number.save(KEYS[2], state, now)
  end
  local answer, text
  local notices = shared_limits.write_guards(shared, judged, now)
  if shared.pause > now then
    answer = {paused = shared.pause - now}
  elseif suspended > 0 then
    answer = {suspended = suspended}
  elseif limit then
    answer = {refused = limit, wait = wait}
  else
    local start = {state = state, budget = budget, question = question, shared = shared,
                   judged = judged, breaker_state = breaker_state}
    answer, text = begin(KEYS, asked, start, now)
    answer.dry = dry
  end
  answer.notices = notices
  return answer, text
end)
