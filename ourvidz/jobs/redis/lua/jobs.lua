-- A page of jobs that match, the newest first, and where the next page begins.
local found = {''}
local ids = redis.call('ZREVRANGEBYSCORE', K.order, ask.below, '-inf', 'LIMIT', '0', ask.page)
local left = tonumber(ask.limit)
for _, id in ipairs(ids) do
  if left == 0 then
    break
  end
  local job = find(id)
  found[1] = '(' .. job.place
  if
    (not ask.state or job.state == ask.state)
    and (not ask.queue or job.queue == ask.queue)
    and (not ask.pushed_type or job.pushed_type == ask.pushed_type)
  then
    found[#found + 1] = cjson.encode(job)
    found[#found + 1] = redis.call('HGET', K.payloads, id)
    found[#found + 1] = redis.call('HGET', K.results, id) or ''
    left = left - 1
  end
end
return found
