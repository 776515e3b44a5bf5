-- Say that a worker takes no jobs of a type for so many seconds.
stops()
local stop = {
  worker = ask.worker,
  job_type = ask.job_type,
  failures = ask.failures,
  reason = ask.reason,
  since = text(now),
  ['until'] = text(now + tonumber(ask.seconds)),
}
redis.call('HSET', K.stops, ask.job_type .. ' ' .. ask.worker, cjson.encode(stop))
return {'ok'}
