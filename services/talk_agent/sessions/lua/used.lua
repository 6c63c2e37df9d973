-- Notes that a user is active, and forgets those whose sessions have ended.
-- KEYS users   ARGV user, ttl in ms (0 is for ever)
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
if ARGV[2] ~= '0' then
  local oldest = time[1] + time[2] / 1000000 - tonumber(ARGV[2]) / 1000
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.3f', oldest))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('ZCARD', KEYS[1])
