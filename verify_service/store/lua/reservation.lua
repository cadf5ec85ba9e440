-- A start's reservation: the verification and what it counts for in its lane.
--
-- The last arguments of a script that reserves: own, app, number (E.164), code digest, nonce of
-- whoever reserves or '', device digest or '', '1' for a test number or '', reference in pieces…

local function read_draft(first)
  return {
    own = ARGV[first], app = ARGV[first + 1], number = ARGV[first + 2], digest = ARGV[first + 3],
    nonce = ARGV[first + 4], device = ARGV[first + 5], test = ARGV[first + 6] == '1',
    reference_at = first + 7,
  }
end

-- What an earlier run has reserved, or nil. Under the same nonce it is 'again'; under another it is
-- somebody else's, 'taken', who has the phone rung.
--
--   failures   of the provider in a row, by now
local function reserved_before(draft, key, number, failures)
  local earlier = load_verification(draft.own)
  if not earlier then
    return nil
  end
  local verdict = (earlier.by or '') == draft.nonce and 'again' or 'taken'
  local gate = {earlier.probe and 'probe' or 'closed', failures}
  return view(verdict, number, key, {{}, {}, earlier.took or '', gate})
end

-- Counts the start and writes the verification.
--
--   gate     what the breaker said to it
--   fields   what else is kept of it, flat
local function reserve(draft, key, number, lane, gate, fields)
  count_start(lane, draft.own)
  add(number.open, draft.own)

  local expires = NOW + POLICY.ttl
  redis.call('HSET', key,
    'app', draft.app, 'number', draft.number, 'digest', draft.digest,
    'state', 'pending', 'left', POLICY.checks, 'created', text(NOW), 'expires', text(expires),
    'call', 'placing', unpack(fields))
  if draft.nonce ~= '' then
    redis.call('HSET', key, 'by', draft.nonce)
  end
  if draft.device ~= '' then
    redis.call('HSET', key, 'device', draft.device)
  end
  if lane.device ~= '' then
    redis.call('HSET', key, 'known', '1')
  end
  if draft.test then
    redis.call('HSET', key, 'test', '1')
  end
  if gate[1] == 'probe' then
    redis.call('HSET', key, 'probe', '1')
  end
  set_pieces(key, 'ref', draft.reference_at)
  redis.call('PEXPIREAT', key, text(expires + POLICY.readable))
  save_number(number)
end
