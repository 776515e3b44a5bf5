-- Try an event again later. Asked again after a lost reply, nothing changes.
local name = ask.job_id .. '/' .. ask.token
local found = redis.call('HGET', K.outbox, name)
local event = found and cjson.decode(found)
if not event or event.tries ~= ask.tries then
  return {'again'}
end
event.tries = text(tonumber(event.tries) + 1)
event.reason = ask.reason
redis.call('HSET', K.outbox, name, cjson.encode(event))
set_timer(K.outbox_due, K.outbox_set, name, tonumber(ask.delay))
return {'ok'}
