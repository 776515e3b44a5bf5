-- End a claim, and the job with it.
local job, refusal = held(ask.verb)
if not job then
  return refusal
end
if ask.dead_letter then
  job.attempt = text(tonumber(job.attempt) - 1)
end
finish(job, ask.state, ask.verb, ask.result, ask.failure)
if ask.dead_letter then
  bury(job.queue, job.job_id, ask.failure, job.attempt, redis.call('HGET', K.payloads, job.job_id))
end
return {'ok'}
