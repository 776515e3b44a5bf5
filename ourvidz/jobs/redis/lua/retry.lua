-- Queue a failed or cancelled job anew.
local job = find(ask.job_id)
if not job then
  return {'unknown'}
elseif not starts_anew(job) then
  return {'conflict', job.state}
end
start_anew(job)
return {'ok'}
