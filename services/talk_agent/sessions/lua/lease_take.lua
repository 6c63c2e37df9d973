-- Takes the lease when it is free and no earlier caller waits for it; else stands in line.
-- KEYS lease, line   ARGV token, ttl in ms, ms after which a silent waiter has left, places in the line
local lease, line = unpack(KEYS)
local token, ttl, silent, places = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = redis.call('GET', lease)
if holder == token then
  redis.call('PEXPIRE', lease, ttl)
  return 1
end
local waiting = redis.call('HGETALL', line)
local mine, first, present = nil, nil, 0
for i = 1, #waiting, 2 do
  local came, seen = string.match(waiting[i + 1], '(%d+):(%d+)')
  came, seen = tonumber(came), tonumber(seen)
  if waiting[i] == token then
    mine = came
  elseif now - seen > tonumber(silent) then
    redis.call('HDEL', line, waiting[i])
  else
    present = present + 1
    if not first or came < first then first = came end
  end
end
if not holder and (not first or (mine and mine <= first)) then
  redis.call('SET', lease, token, 'PX', ttl)
  redis.call('HDEL', line, token)
  return 1
end
if not mine and present >= tonumber(places) then return -1 end
redis.call('HSET', line, token, string.format('%d:%d', mine or now, now))
redis.call('PEXPIRE', line, silent * 2)
return 0
