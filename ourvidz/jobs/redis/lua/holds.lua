-- Whether a claim is its job's newest and the job has not ended; then also whose job it is, and of which type.
local job, refusal = held()
if not job then
  return refusal
end
return {'ok', job.user_id, job.job_type}
