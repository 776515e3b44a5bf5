-- A page of dead letters, the newest first, and where the next page begins.
local found = {''}
local left = tonumber(ask.limit)
for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', K.letter_order, ask.below, '-inf', 'LIMIT', '0', ask.page)) do
  if left == 0 then
    break
  end
  found[1] = '(' .. id
  local letter = redis.call('HGET', K.letters, id)
  if not ask.queue or cjson.decode(letter).queue == ask.queue then
    found[#found + 1] = id
    found[#found + 1] = letter
    found[#found + 1] = redis.call('HGET', K.letter_payloads, id)
    left = left - 1
  end
end
return found
