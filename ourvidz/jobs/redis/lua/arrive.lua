-- File what Python has read, let the clock do its part, and show what else has arrived.
-- Otherwise: whether a job can be claimed, and in how many seconds the clock next matters.
take_in()
local done = put_back_due()
local shown = arrived()
if shown then
  return shown
elseif not done then
  return {'more'}
end
local due = redis.call('ZRANGE', K.due, '0', '0', 'WITHSCORES')[2]
return {'looked', next_id() and '1' or '', due and text(tonumber(due) - now) or ''}
