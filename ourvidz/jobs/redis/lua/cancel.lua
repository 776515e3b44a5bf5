-- Ask for a job to stop; one that waits ends at once. A payload on a list that is asked about, which no
-- worker has read, is taken off it; nobody is told of such a job, since none has begun.
local job = find(ask.job_id)
if not job then
  return {withdraw() and 'withdrawn' or 'unknown'}
end
if job.due and tonumber(job.due) <= now then
  put_back_one(job)
end
if job.finished_at then
  return {'ended', job.state}
elseif job.state == 'processing' then
  job.cancel_requested = '1'
  keep(job)
  return {'ok', 'processing'}
end
job.token = text(tonumber(job.token) + 1)
finish(job, 'cancelled', 'cancel')
return {'ok', 'cancelled'}
