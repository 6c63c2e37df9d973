-- Extends a lease, or takes it again where it ran out and nobody has it. 0 where another has it.
-- KEYS lease   ARGV token, ttl in ms
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
