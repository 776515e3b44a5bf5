-- Forget a part of the dead letters that are older than so many seconds.
local before = now - tonumber(ask.older_than)
local purged = 0
for _, id in ipairs(redis.call('ZRANGE', K.letter_order, '0', ask.limit)) do
  if tonumber(cjson.decode(redis.call('HGET', K.letters, id)).at) >= before then
    break
  end
  redis.call('HDEL', K.letters, id)
  redis.call('HDEL', K.letter_payloads, id)
  redis.call('ZREM', K.letter_order, id)
  purged = purged + 1
end
return {text(purged)}
