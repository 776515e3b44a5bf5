-- How many jobs of which type start before a waiting one: a step through the index for each type.
local job = find(ask.job_id)
if not job then
  return {'unknown'}
elseif job.state ~= 'queued' then
  return {'started'}
end
local rank = string.match(place_in_line(job), '^[^:]*:[^:]*:([^:]*):')
local counts = {'ok'}
for _, first in ipairs(firsts_of(job.queue)) do
  local kind = job.queue .. ':' .. first.job_type .. ':'
  local count = redis.call('ZLEXCOUNT', K.ready, '[' .. kind, '(' .. kind .. rank)
  if count > 0 then
    counts[#counts + 1] = first.job_type
    counts[#counts + 1] = text(count)
  end
end
return counts
