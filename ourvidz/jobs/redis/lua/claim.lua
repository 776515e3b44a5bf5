-- Hand the next job to a worker; before that, end the one that it has made, if it names one. What has
-- arrived is shown first and filed with the second call.
local function hand_out(job)
  return {'claimed', keep(job), redis.call('HGET', K.payloads, job.job_id)}
end

if ask.job_id then
  local made, refusal = held(ask.verb)
  if made then
    finish(made, 'completed', ask.verb, ask.result)
  elseif refusal[1] == 'lost' then
    return refusal
  end
end
local lease = tonumber(ask.lease)
local mine = redis.call('HGET', K.nonces, ask.nonce)
if mine then
  local job = find(mine)
  set_due(job, lease)
  return hand_out(job)
end
if ask.filings then
  take_in()
else
  local shown = arrived()
  if shown then
    return shown
  end
end
put_back_due()
local id = next_id()
if not id then
  return arrived() or {'none'}
end
local job = find(id)
detach(job)
note_turn(job)
job.state = 'processing'
job.attempt = text(tonumber(job.attempt) + 1)
job.token = text(tonumber(job.token) + 1)
job.worker, job.nonce, job.started_at = ask.worker, ask.nonce, text(now)
job.settled, job.progress = nil, nil
redis.call('HSET', K.nonces, ask.nonce, id)
set_due(job, lease)
return hand_out(job)
