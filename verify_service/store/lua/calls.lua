-- How a number's calls and the provider's callbacks find each other.
--
-- call:{tag}:<request> is either bound ("owner": a verification's own name), or a callback that
-- waits for its call ("status", "stamp", "delivered", "waives").

local function call_key(request)
  return 'call:' .. SLOT .. ':' .. request
end

-- Whether a report changes what is known: strictly newer, another status, and never from
-- delivered back to undelivered.
local function supersedes(old, new)
  if not old.status then
    return true
  end
  if tonumber(new.stamp) <= tonumber(old.stamp) or new.status == old.status then
    return false
  end
  return new.delivered == '1' or old.delivered ~= '1'
end

-- Applies a report {status, stamp, delivered, waives} to a verification's call.
local function apply(number, verification, report)
  local known = {status = verification.status, stamp = verification.stamp,
                 delivered = verification.call == 'delivered' and '1' or '0'}
  if not supersedes(known, report) then
    return false
  end
  redis.call('HSET', verification.key, 'status', report.status, 'stamp', report.stamp,
             'call', report.delivered == '1' and 'delivered' or 'undelivered')
  local lane = lane_of(number, verification)
  if report.waives == '1' and not verification.waived and #lane.waived < POLICY.waivers then
    redis.call('HSET', verification.key, 'waived', '1')
    add(lane.waived, '')
    refund(lane, verification)
  end
  return true
end

-- From now on the requestId belongs to this verification. What waited for it is applied.
local function bind(number, verification, request)
  local key = call_key(request)
  local waiting = read_hash(key)
  -- Written before anything is deleted: where memory is full, this fails and nothing is lost.
  redis.call('HSET', key, 'owner', verification.own)
  redis.call('HDEL', key, 'status', 'stamp', 'delivered', 'waives')
  redis.call('PEXPIREAT', key, text(verification.expires + POLICY.readable))
  redis.call('HSET', verification.key, 'bound', '1')
  number.waiting = without(number.waiting, request)
  number.open = without(number.open, verification.own)
  if waiting.status then
    apply(number, verification, waiting)
  end
end

-- The one call whose requestId was never learned and never will be, or nil. A call that is still
-- being placed counts as open too: what is waiting may be its own.
local function lost_call(number)
  local open = {}
  for _, call in ipairs(number.open) do
    open[#open + 1] = load_verification(call.name)
  end
  local only = #open == 1 and open[1]
  if not only then
    return nil
  end
  local stale = only.call == 'placing' and only.created + POLICY.deadline <= NOW
  return (stale or only.call == 'unknown') and only or nil
end

-- Matches what is waiting with the lost call. With two open calls, or two callbacks that could
-- be meant, it would be a guess: none is bound.
local function match_lost(number)
  local call = #number.waiting > 0 and lost_call(number)
  local meant = call and since(number.waiting, call.created - 1)
  if meant and #meant == 1 then
    bind(number, call, meant[1].name)
    save_number(number)
  end
end
