-- Renew a lease; one that ran out is taken up again.
local job, refusal = held()
if not job then
  return refusal
end
if job.state == 'queued' then
  detach(job)
  job.state = 'processing'
end
job.progress = ask.progress or job.progress
set_due(job, tonumber(ask.lease))
keep(job)
return {'ok', job.cancel_requested and 'cancel' or 'ok'}
