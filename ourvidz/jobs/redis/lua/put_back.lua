-- End a claim and let the job wait again at its old place; one that was to be cancelled ends instead.
local job, refusal = held(ask.verb)
if not job then
  return refusal
end
if job.cancel_requested then
  finish(job, 'cancelled', ask.verb)
  return {'ok'}
end
detach(job)
job.state = 'queued'
job.settled = ask.verb
if ask.verb == 'hand_back' then
  job.attempt = text(tonumber(job.attempt) - 1)
elseif ask.verb == 'reroute' then
  job.attempt = '0'
end
job.started_at, job.progress = nil, nil
job.error = ask.failure or job.error
job.queue = ask.queue or job.queue
job.job_type = ask.job_type or job.job_type
if ask.verb == 'reroute' then
  redis.call('SADD', K.queues, job.queue)
  give_turn(job)
end
local delay = tonumber(ask.delay or '0')
if delay > 0 then
  set_due(job, delay)
else
  line_up(job)
end
keep(job)
return {'ok'}
