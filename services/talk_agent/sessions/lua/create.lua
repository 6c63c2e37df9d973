-- Makes an empty session, once.
-- KEYS meta, user, index: of one session, in one slot
-- ARGV schema, creation's id, updated at, ttl in ms (0 is for ever), session id,
--      count of session state, key, value..., count of user state, key, value...
local meta, user, index = unpack(KEYS)
local schema, id, updated, ttl, sid = unpack(ARGV, 1, 5)
local known = redis.call('HMGET', meta, 'schema', 'last')
if known[1] and known[1] ~= schema then return {'schema', known[1]} end
if known[1] and known[2] ~= id then return {'exists'} end
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
redis.call('HSET', meta, 'schema', schema, 'version', '0', 'last', id, 'updated', updated, 'created', now)
local at = 6
for _, target in ipairs({{meta, 's:'}, {user, ''}}) do
  local count = tonumber(ARGV[at])
  for i = 1, count do redis.call('HSET', target[1], target[2] .. ARGV[at + 2 * i - 1], ARGV[at + 2 * i]) end
  at = at + 1 + 2 * count
end
redis.call('ZADD', index, now, sid)
if ttl ~= '0' then
  for _, key in ipairs({meta, user, index}) do redis.call('PEXPIRE', key, ttl) end
end
return {'ok', '0'}
