-- Forget what a worker has said of its job types.
for _, stop in ipairs(stops()) do
  if stop.worker == ask.worker then
    redis.call('HDEL', K.stops, stop.job_type .. ' ' .. stop.worker)
  end
end
return {'ok'}
