-- Tell that a job failed which is not known.
local job = find(ask.job_id)
if job then
  return {'conflict', job.state}
end
tell_never(ask.job_id, ask.failure)
return {'ok'}
