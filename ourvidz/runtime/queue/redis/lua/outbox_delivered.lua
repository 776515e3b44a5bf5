-- Forget an event that was accepted, and let the next of its job go out.
local name = ask.job_id .. '/' .. ask.token
if redis.call('HDEL', K.outbox, name) == 0 then
  return {'again'}
end
clear_timer(K.outbox_due, K.outbox_set, name)
local left = {}
for token in string.gmatch(redis.call('HGET', K.outbox_jobs, ask.job_id) or '', '%S+') do
  if token ~= ask.token then
    left[#left + 1] = token
  end
end
if #left > 0 then
  redis.call('HSET', K.outbox_jobs, ask.job_id, table.concat(left, ' '))
  if redis.call('ZSCORE', K.outbox_due, ask.job_id .. '/' .. left[1]) == false then
    set_timer(K.outbox_due, K.outbox_set, ask.job_id .. '/' .. left[1], 0)
  end
  return {'ok'}
end
redis.call('HDEL', K.outbox_jobs, ask.job_id)
local job = find(ask.job_id)
if job and job.finished_at then
  redis.call('ZADD', K.ended, job.finished_at, job.job_id)
end
return {'ok'}
