-- Count every queue's jobs, each kind from its index alone.
local busy = {}
for _, id in ipairs(redis.call('ZRANGE', K.due, '0', '-1')) do
  local job = find(id)
  local kind = job.queue .. ':' .. job.state
  busy[kind] = (busy[kind] or 0) + 1
end
local depths = {}
for _, queue in ipairs(redis.call('SMEMBERS', K.queues)) do
  local waiting = {}
  for _, first in ipairs(firsts_of(queue)) do
    local kind = queue .. ':' .. first.job_type
    waiting[first.job_type] = text(redis.call('ZLEXCOUNT', K.ready, '[' .. kind .. ':', '(' .. kind .. ';'))
  end
  local depth = {
    queue = queue,
    waiting = waiting,
    delayed = text(busy[queue .. ':queued'] or 0),
    processing = text(busy[queue .. ':processing'] or 0),
  }
  local oldest = redis.call('ZRANGEBYLEX', K.waiting, '[' .. queue .. ':', '(' .. queue .. ';', 'LIMIT', '0', '1')[1]
  if oldest then
    local job = find(string.match(oldest, '^[^:]*:[^:]*:(.*)$'))
    depth.oldest = text(math.max(0, now - tonumber(job.submitted_at)))
  end
  depths[#depths + 1] = cjson.encode(depth)
end
return depths
