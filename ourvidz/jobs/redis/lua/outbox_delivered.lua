-- Forget events that were accepted, and let the next of each job go out.
local function delivered(event)
  local name = event.job_id .. '/' .. event.token
  if redis.call('HDEL', K.outbox, name) == 0 then
    return
  end
  clear_timer(K.outbox_due, K.outbox_set, name)
  local left = {}
  for token in string.gmatch(redis.call('HGET', K.outbox_jobs, event.job_id) or '', '%S+') do
    if token ~= event.token then
      left[#left + 1] = token
    end
  end
  if #left > 0 then
    redis.call('HSET', K.outbox_jobs, event.job_id, table.concat(left, ' '))
    if redis.call('ZSCORE', K.outbox_due, event.job_id .. '/' .. left[1]) == false then
      set_timer(K.outbox_due, K.outbox_set, event.job_id .. '/' .. left[1], 0)
    end
    return
  end
  redis.call('HDEL', K.outbox_jobs, event.job_id)
  local job = find(event.job_id)
  if job and job.finished_at then
    redis.call('ZADD', K.ended, job.finished_at, job.job_id)
  end
end

for _, event in ipairs(ask.events) do
  delivered(event)
end
return {'ok'}
