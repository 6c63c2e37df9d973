-- Reads a session at one instant.
-- KEYS meta, events, user, answers: of one session, in one slot
-- ARGV schema, how many elements of the tail (-1 is all), answer's field ('' is none)
local meta, events, user, answers = unpack(KEYS)
local schema, count, field = unpack(ARGV)
local known = redis.call('HGET', meta, 'schema')
if known and known ~= schema then return {'schema', known} end
local tail = {}
if count == '-1' then
  tail = redis.call('LRANGE', events, 0, -1)
elseif count ~= '0' then
  tail = redis.call('LRANGE', events, '-' .. count, -1)
end
local answer = field ~= '' and redis.call('HGET', answers, field) or false
if answer then
  local time = redis.call('TIME')
  local until_ms = tonumber(string.match(answer, '^(%d+):'))
  if until_ms <= time[1] * 1000 + time[2] / 1000 then answer = false end
end
return {'ok', redis.call('HGETALL', meta), tail, redis.call('HGETALL', user), answer}
