-- Ids and states of the jobs that are known.
local found = {}
for _, id in ipairs(ask.job_ids) do
  local job = find(id)
  if job then
    found[#found + 1] = id
    found[#found + 1] = job.state
  end
end
return found
