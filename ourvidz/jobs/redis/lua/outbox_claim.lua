-- Take events that are due, the longest due first. One whose time was set before the clock was put
-- back is due as well.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.outbox_set, '(' .. text(now), '+inf', 'LIMIT', '0', ask.limit)) do
  set_timer(K.outbox_due, K.outbox_set, name, 0)
end
local taken = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.outbox_due, '-inf', text(now), 'LIMIT', '0', ask.limit)) do
  set_timer(K.outbox_due, K.outbox_set, name, tonumber(ask.lease))
  taken[#taken + 1] = redis.call('HGET', K.outbox, name)
end
return taken
