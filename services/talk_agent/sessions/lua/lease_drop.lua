-- Gives a lease back, and the place in the line.
-- KEYS lease, line   ARGV token
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
