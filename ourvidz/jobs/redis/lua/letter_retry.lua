-- Push a dead letter's payload again and forget the letter; or start its failed job anew.
local found = redis.call('HGET', K.letters, ask.id)
if not found then
  return {'unknown'}
end
local id = ask.filing.job and ask.filing.job.job_id or ask.filing.job_id
local job = id and find(id)
if job and not starts_anew(job) then
  return {'conflict', id, job.state}
end
local payload = redis.call('HGET', K.letter_payloads, ask.id)
redis.call('HDEL', K.letters, ask.id)
redis.call('HDEL', K.letter_payloads, ask.id)
redis.call('ZREM', K.letter_order, ask.id)
if job then
  start_anew(job)
else
  file(ask.filing, cjson.decode(found).queue, payload)
end
return {'ok'}
