-- One job with its payload and, once it is completed, its result.
local found = redis.call('HGET', K.jobs, ask.job_id)
if not found then
  return {'unknown'}
end
return {
  'ok',
  found,
  redis.call('HGET', K.payloads, ask.job_id),
  redis.call('HGET', K.results, ask.job_id) or '',
}
