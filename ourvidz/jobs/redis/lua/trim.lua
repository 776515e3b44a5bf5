-- Forget a part of the jobs that ended long ago. Only those whose events were accepted are listed.
local ids =
  redis.call('ZRANGEBYSCORE', K.ended, '-inf', '(' .. text(now - tonumber(ask.older_than)), 'LIMIT', '0', ask.limit)
if #ids > 0 then
  for _, key in ipairs({K.jobs, K.payloads, K.metadata, K.results}) do
    redis.call('HDEL', key, unpack(ids))
  end
  redis.call('ZREM', K.order, unpack(ids))
  redis.call('ZREM', K.ended, unpack(ids))
end
return {text(#ids)}
