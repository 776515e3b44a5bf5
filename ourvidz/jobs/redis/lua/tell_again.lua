-- Put the event that ended a job into the outbox once more; until it is told, the job is kept.
local job = find(ask.job_id)
if not job then
  return {'unknown'}
elseif not job.finished_at then
  return {'conflict', job.state}
end
redis.call('ZREM', K.ended, job.job_id)
tell(job)
return {'ok'}
