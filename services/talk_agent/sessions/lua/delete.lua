-- Removes a session and the answers kept for its keys.
-- KEYS meta, events, index, lease, answers, answer_ends, user: of one session, in one slot
-- ARGV schema, session id, fence ('' is none), '1' where the state of a user without sessions goes too
local meta, events, index, lease, answers, ends, user = unpack(KEYS)
local schema, sid, fence, whole_user = unpack(ARGV)
local known = redis.call('HGET', meta, 'schema')
if known and known ~= schema then return {'schema', known} end
if fence ~= '' and redis.call('GET', lease) ~= fence then return {'fence'} end
redis.call('DEL', meta, events, answers, ends)
redis.call('ZREM', index, sid)
local left = redis.call('ZCARD', index)
if left == 0 and whole_user == '1' then redis.call('DEL', user) end
return {'ok', known and '1' or '0', left}
