-- Stores one turn: its events, its state, the record of its idempotency key; or nothing of it.
-- KEYS meta, events, user, index, lease, answers, answer_ends: of one session, in one slot
-- ARGV schema, append id, version ('' is any), fence ('' is none), element ('' is none), updated at ('' is now),
--      ttl in ms (0 is for ever), session id, '1' where the session may be new,
--      answer's field ('' is none), answer, answer's ttl in ms, '1' where the answer is of a cut turn,
--      index of a turn to hide ('' is none), its first bytes, what replaces it,
--      count of session state, key, value..., count of user state, key, value...
local meta, events, user, index, lease, answers, ends = unpack(KEYS)
local schema, id, version, fence, element, updated, ttl, sid, may_create = unpack(ARGV, 1, 9)
local field, answer, answer_ttl, cut, hide, hide_prefix, hidden = unpack(ARGV, 10, 16)

local known = redis.call('HMGET', meta, 'schema', 'version', 'last')
if known[1] and known[1] ~= schema then return {'schema', known[1]} end
if known[3] and known[3] == id then return {'ok', known[2]} end
if fence ~= '' and redis.call('GET', lease) ~= fence then return {'fence'} end
if not known[1] and may_create == '' then return {'missing'} end
if known[1] and version ~= '' and known[2] ~= version then return {'version', known[2]} end

local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if updated == '' then updated = now end
local before = known[2]
if not before then before = version ~= '' and version or '0' end
local after = string.format('%d', tonumber(before) + 1)

redis.call('HSET', meta, 'schema', schema, 'version', after, 'last', id, 'updated', updated)
redis.call('HSETNX', meta, 'created', now)
if element ~= '' then redis.call('RPUSH', events, element) end
if hide ~= '' then
  local old = redis.call('LINDEX', events, hide)
  if old and string.sub(old, 1, #hide_prefix) == hide_prefix then redis.call('LSET', events, hide, hidden) end
end
local at = 17
for _, target in ipairs({{meta, 's:'}, {user, ''}}) do
  local count = tonumber(ARGV[at])
  for i = 1, count do redis.call('HSET', target[1], target[2] .. ARGV[at + 2 * i - 1], ARGV[at + 2 * i]) end
  at = at + 1 + 2 * count
end
redis.call('ZADD', index, now, sid)

if field ~= '' then
  for _, old in ipairs(redis.call('ZRANGE', ends, '-inf', now_ms, 'BYSCORE', 'LIMIT', 0, 16)) do
    redis.call('HDEL', answers, old)
    redis.call('ZREM', ends, old)
  end
  local place = cut == '1' and element ~= '' and redis.call('LLEN', events) - 1 or ''
  local until_ms = string.format('%d', now_ms + tonumber(answer_ttl))
  redis.call('HSET', answers, field, until_ms .. ':' .. place .. ':' .. answer)
  redis.call('ZADD', ends, until_ms, field)
  redis.call('PEXPIRE', answers, answer_ttl)
  redis.call('PEXPIRE', ends, answer_ttl)
end
if ttl ~= '0' then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. string.format('%.3f', (now_ms - tonumber(ttl)) / 1000))
  for _, key in ipairs({meta, events, user, index}) do redis.call('PEXPIRE', key, ttl) end
end
return {'ok', after}
