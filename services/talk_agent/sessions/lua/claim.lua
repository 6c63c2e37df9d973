-- Gives a session id to whoever uses it first, for as long as the session may live.
-- KEYS owner   ARGV user, ttl in ms (0 is for ever)
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
