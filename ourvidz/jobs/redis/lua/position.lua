-- How many jobs start before one that waits, of which type, and the seconds that recent ones took; for a
-- producer, whose payload perhaps no worker has read yet. Such a job's turn is the one that it would get
-- now; whatever lies on the list is taken for earlier than it.
local job = find(ask.job_id)
if job and job.state ~= 'queued' then
  return {'started', job.state}
end
local queue, job_type, rank, unread
if job then
  queue, job_type, unread = job.queue, job.job_type, 0
  rank = string.match(place_in_line(job), '^[^:]*:[^:]*:([^:]*):')
else
  queue, job_type = ask.lists[1].queue, ask.job_type
  unread = math.max(0, redis.call('LLEN', KEYS[LISTS + 1]) - 1)
  rank = rank_of({priority = ask.priority, turn = next_turn(queue .. ':' .. ask.priority, ask.user_id), place = '1e15'})
end
local found = {'ok', text(unread), job_type, '0', recent_seconds(job_type)}
for _, first in ipairs(firsts_of(queue)) do
  local kind = queue .. ':' .. first.job_type .. ':'
  local count = redis.call('ZLEXCOUNT', K.ready, '[' .. kind, '(' .. kind .. rank)
  if count > 0 then
    found[#found + 1] = first.job_type
    found[#found + 1] = text(count)
    found[#found + 1] = recent_seconds(first.job_type)
  end
end
return found
