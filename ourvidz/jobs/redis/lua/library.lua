-- What every script has in common. Stands in front of each of them.
--
-- K.name is a key of the deployment. ARGV[1] is a clock's offset in seconds, 0 outside of tests;
-- ARGV[2] what is asked, as JSON. In JSON every value is a text, so that no number is rounded.
-- A job is a table of texts, kept as JSON in the hash K.jobs.

local ask = cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000 + tonumber(ARGV[1])

-- Items that are handed to Python at once, and their bytes; jobs that the clock changes in one call.
local MOST_ITEMS = 256
local MOST_BYTES = 1048576
local MOST_DUE = 256

-- Completed jobs of a type whose seconds are kept.
local RECENT = 50

local function text(number)
  return string.format('%.17g', number)
end

-- Times at which something is due. `set` holds when each was set: one that was set in the future
-- was set before the clock was put back.
local function set_timer(due, set, name, seconds)
  redis.call('ZADD', due, text(now + seconds), name)
  redis.call('ZADD', set, text(now), name)
end

local function clear_timer(due, set, name)
  redis.call('ZREM', due, name)
  redis.call('ZREM', set, name)
end

local function find(id)
  local found = redis.call('HGET', K.jobs, id)
  return found and cjson.decode(found)
end

local function keep(job)
  local stored = cjson.encode(job)
  redis.call('HSET', K.jobs, job.job_id, stored)
  return stored
end

local function set_due(job, seconds)
  job.due = text(now + seconds)
  job.span = text(seconds)
  set_timer(K.due, K.due_set, job.job_id, seconds)
end

-- Virtual time: the highest turn of a queue and priority that was handed out.
local function class_of(job)
  return job.queue .. ':' .. job.priority
end

-- A place among the jobs of its user that wait, the last of which says how far the user is.
local function place_of_user(job)
  return class_of(job) .. ':' .. job.user_id .. ':' .. string.format('%016.0f', tonumber(job.turn))
end

-- Give a job its turn: one after its user's last, and not before what is handed out now. So a user
-- with a thousand jobs does not stand before one who has a single one.
local function next_turn(class, user_id)
  local user = class .. ':' .. user_id
  local handed_out = tonumber(redis.call('HGET', K.turns, class) or '0')
  local last = redis.call('ZREVRANGEBYLEX', K.users, '(' .. user .. ';', '[' .. user .. ':', 'LIMIT', '0', '1')[1]
  local own = last and tonumber(string.sub(last, -16)) or 0
  return text(math.max(handed_out, own) + 1)
end

local function give_turn(job)
  job.turn = next_turn(class_of(job), job.user_id)
end

local function note_turn(job)
  local class = class_of(job)
  if tonumber(job.turn) > tonumber(redis.call('HGET', K.turns, class) or '0') then
    redis.call('HSET', K.turns, class, job.turn)
  end
end

-- A place in line, so that places sort as texts: queue and type, highest priority, turn, arrival.
local function rank_of(job)
  return string.format(
    '%03.0f%016.0f%016.0f', 100 - tonumber(job.priority), tonumber(job.turn), tonumber(job.place)
  )
end

local function place_in_line(job)
  return job.queue .. ':' .. job.job_type .. ':' .. rank_of(job) .. ':' .. job.job_id
end

local function place_by_age(job)
  return job.queue .. ':' .. string.format('%016.0f', tonumber(job.place)) .. ':' .. job.job_id
end

local function line_up(job)
  redis.call('ZADD', K.ready, '0', place_in_line(job))
  redis.call('ZADD', K.waiting, '0', place_by_age(job))
  redis.call('ZADD', K.users, '0', place_of_user(job))
end

-- Take a job out of the line, from the clock and from its nonce, wherever it is.
local function detach(job)
  if job.due then
    clear_timer(K.due, K.due_set, job.job_id)
    job.due, job.span = nil, nil
  elseif job.state == 'queued' then
    redis.call('ZREM', K.ready, place_in_line(job))
    redis.call('ZREM', K.waiting, place_by_age(job))
    redis.call('ZREM', K.users, place_of_user(job))
  end
  if job.nonce then
    redis.call('HDEL', K.nonces, job.nonce)
    job.nonce = nil
  end
end

-- Put an event into the outbox, once. Only the first of a job has a timer; the others wait for it.
local function announce(event)
  local name = event.job_id .. '/' .. event.token
  if redis.call('HEXISTS', K.outbox, name) == 1 then
    return
  end
  event.tries = '0'
  redis.call('HSET', K.outbox, name, cjson.encode(event))
  local earlier = redis.call('HGET', K.outbox_jobs, event.job_id)
  if earlier then
    redis.call('HSET', K.outbox_jobs, event.job_id, earlier .. ' ' .. event.token)
  else
    redis.call('HSET', K.outbox_jobs, event.job_id, event.token)
    set_timer(K.outbox_due, K.outbox_set, name, 0)
  end
end

local function bury(queue, job_id, failure, attempt, payload)
  local id = text(redis.call('HINCRBY', K.counters, 'letters', '1'))
  local letter = {queue = queue, job_id = job_id, failure = failure, attempt = attempt, at = text(now)}
  redis.call('HSET', K.letters, id, cjson.encode(letter))
  redis.call('HSET', K.letter_payloads, id, payload)
  redis.call('ZADD', K.letter_order, id, id)
end

local function note_seconds(job)
  local seconds = now - tonumber(job.started_at)
  if seconds < 0 then
    return
  end
  local number = redis.call('HINCRBY', K.counters, 'seconds:' .. job.job_type, '1')
  redis.call('HSET', K.seconds, job.job_type .. ':' .. text(number % RECENT), text(seconds))
end

-- The seconds of recent jobs of a type, with spaces between.
local function recent_seconds(job_type)
  local fields = {}
  for number = 0, RECENT - 1 do
    fields[number + 1] = job_type .. ':' .. text(number)
  end
  local kept = {}
  for _, seconds in ipairs(redis.call('HMGET', K.seconds, unpack(fields))) do
    if seconds then
      kept[#kept + 1] = seconds
    end
  end
  return table.concat(kept, ' ')
end

-- Tell how a job has ended; `result` is at hand where it was completed just now.
local function tell(job, result)
  announce({
    job_id = job.job_id,
    token = job.token,
    status = job.state,
    at = job.finished_at,
    user_id = job.user_id,
    pushed_type = job.pushed_type,
    job_type = job.job_type,
    attempt = job.attempt,
    started_at = job.started_at,
    result = result or redis.call('HGET', K.results, job.job_id) or nil,
    error = job.error,
    metadata = redis.call('HGET', K.metadata, job.job_id) or nil,
  })
end

-- Tell that a job failed which is none here and is not going to be one.
local function tell_never(id, failure)
  announce({job_id = id, token = '0', status = 'failed', at = text(now), attempt = '0', error = failure})
end

-- Give a job its last state and tell of it.
local function finish(job, state, verb, result, failure)
  detach(job)
  if state == 'completed' then
    note_seconds(job)
    redis.call('HSET', K.results, job.job_id, result)
  end
  job.state = state
  job.settled = verb
  job.finished_at = text(now)
  job.error = failure
  keep(job)
  tell(job, result)
end

-- Queue an ended job as if it had just been pushed; its token stays, so old claims stay void.
local function start_anew(job)
  redis.call('ZREM', K.ended, job.job_id)
  redis.call('HDEL', K.results, job.job_id)
  job.place = text(redis.call('HINCRBY', K.counters, 'places', '1'))
  redis.call('ZADD', K.order, job.place, job.job_id)
  job.state, job.attempt = 'queued', '0'
  job.queue, job.job_type = job.pushed_queue, job.pushed_type
  give_turn(job)
  job.cancel_requested, job.started_at, job.finished_at, job.progress, job.error = nil, nil, nil, nil, nil
  line_up(job)
  keep(job)
end

local function starts_anew(job)
  return job.state == 'failed' or job.state == 'cancelled'
end

-- Put one payload where Python has found that it belongs: a job, a dead letter, or a duplicate.
local function file(filing, queue, payload)
  redis.call('SADD', K.queues, queue)
  local job = filing.job
  if not job then
    bury(queue, filing.job_id, filing.failure, '0', payload)
    if filing.job_id and redis.call('HEXISTS', K.jobs, filing.job_id) == 0 then
      tell_never(filing.job_id, filing.failure)
    end
    return
  end
  if redis.call('HEXISTS', K.jobs, job.job_id) == 1 then
    return
  end
  redis.call('HSET', K.payloads, job.job_id, payload)
  if filing.metadata then
    redis.call('HSET', K.metadata, job.job_id, filing.metadata)
  end
  job.place = text(redis.call('HINCRBY', K.counters, 'places', '1'))
  redis.call('ZADD', K.order, job.place, job.job_id)
  job.queue, job.pushed_queue, job.pushed_type = queue, queue, job.job_type
  job.state, job.attempt, job.token = 'queued', '0', '0'
  give_turn(job)
  line_up(job)
  keep(job)
end

-- Lists of producers: KEYS[LISTS + n] belongs to ask.lists[n], which names its queue and the end
-- that workers take from.
local function end_of(list)
  return list.take == 'right' and '-1' or '0'
end

-- Show Python what lies at the end of the lists, unless it is too large to be read. Nothing is
-- taken out.
local function arrived()
  local shown, items, bytes = {'arrived'}, 0, 0
  for number, list in ipairs(ask.lists) do
    local key = KEYS[LISTS + number]
    local first, last = '0', tostring(MOST_ITEMS - items - 1)
    if list.take == 'right' then
      first, last = '-' .. tostring(MOST_ITEMS - items), '-1'
    end
    local found = items < MOST_ITEMS and redis.call('LRANGE', key, first, last) or {}
    for index = 1, #found do
      local item = found[list.take == 'right' and #found + 1 - index or index]
      local seen = #item <= tonumber(ask.largest) and item or ''
      if items > 0 and bytes + #seen > MOST_BYTES then
        return shown
      end
      items, bytes = items + 1, bytes + #seen
      for _, value in ipairs({tostring(number), redis.sha1hex(item), tostring(#item), seen}) do
        shown[#shown + 1] = value
      end
    end
  end
  return items > 0 and shown or nil
end

-- Take out what Python has read, as long as it is what lies at the end; whatever somebody else
-- has filed meanwhile is passed over.
local function take_in()
  local ends = {}
  for _, filing in ipairs(ask.filings or {}) do
    local number = tonumber(filing.list)
    local list, key = ask.lists[number], KEYS[LISTS + number]
    local at_end = ends[number]
    if not at_end then
      local item = redis.call('LINDEX', key, end_of(list))
      at_end = {item = item, sha = item and redis.sha1hex(item)}
      ends[number] = at_end
    end
    if at_end.sha == filing.sha then
      redis.call(list.take == 'right' and 'RPOP' or 'LPOP', key)
      ends[number] = nil
      file(filing, list.queue, at_end.item)
    end
  end
end

-- Take a job's payloads off the lists. Most items are told by not having the id in them at all.
local function withdraw()
  local found = false
  for number in ipairs(ask.lists or {}) do
    local key = KEYS[LISTS + number]
    for first = redis.call('LLEN', key) - 1, 0, -MOST_ITEMS do
      local last = tostring(first)
      for _, item in ipairs(redis.call('LRANGE', key, tostring(math.max(0, first - MOST_ITEMS + 1)), last)) do
        local readable, job = pcall(cjson.decode, string.find(item, ask.job_id, 1, true) and item or '{}')
        if readable and type(job) == 'table' and job.job_id == ask.job_id then
          redis.call('LREM', key, '0', item)
          found = true
        end
      end
    end
  end
  return found
end

-- Put one job back whose moment has come: its lease ran out, or its delay is over.
local function put_back_one(job)
  if job.state == 'processing' and job.cancel_requested then
    finish(job, 'cancelled', 'cancelled')
    return
  end
  detach(job)
  job.state = 'queued'
  line_up(job)
  keep(job)
end

-- Let the clock do its part. A lease or a delay that the clock, put back, would stretch is started
-- anew from now. Says whether that was all.
local function put_back_due()
  local stretched = redis.call('ZRANGEBYSCORE', K.due_set, '(' .. text(now), '+inf', 'LIMIT', '0', tostring(MOST_DUE))
  for _, id in ipairs(stretched) do
    local job = find(id)
    set_due(job, tonumber(job.span))
    keep(job)
  end
  local due = redis.call('ZRANGEBYSCORE', K.due, '-inf', text(now), 'LIMIT', '0', tostring(MOST_DUE))
  for _, id in ipairs(due) do
    put_back_one(find(id))
  end
  return #due < MOST_DUE and #stretched < MOST_DUE
end

-- The first in line of every type of a queue, or of the types that may be claimed: a step through
-- the index each, however many wait.
local function first_between(low, high)
  local member = redis.call('ZRANGEBYLEX', K.ready, low, high, 'LIMIT', '0', '1')[1]
  if not member then
    return nil
  end
  local job_type, rank, id = string.match(member, '^[^:]*:([^:]*):([^:]*):(.*)$')
  return {job_type = job_type, rank = rank, id = id}
end

local function firsts_of(queue)
  local firsts = {}
  for _, job_type in ipairs(ask.only or {}) do
    local kind = queue .. ':' .. job_type
    firsts[#firsts + 1] = first_between('[' .. kind .. ':', '(' .. kind .. ';')
  end
  local low = '[' .. queue .. ':'
  while not ask.only do
    local first = first_between(low, '(' .. queue .. ';')
    if not first then
      break
    end
    firsts[#firsts + 1] = first
    low = '[' .. queue .. ':' .. first.job_type .. ';'
  end
  return firsts
end

-- The id of the job that a claim would take now. Turns are comparable within a queue; between queues
-- the one that came first goes first.
local function next_id()
  local best, best_rank
  for _, list in ipairs(ask.lists) do
    local own
    for _, first in ipairs(firsts_of(list.queue)) do
      if not own or first.rank < own.rank then
        own = first
      end
    end
    local rank = own and string.sub(own.rank, 1, 3) .. string.sub(own.rank, 20)
    if rank and (not best or rank < best_rank) then
      best, best_rank = own, rank
    end
  end
  return best and best.id
end

-- The job that a lease is for; or why it is not, or that this very verb has ended the claim before.
local function held(verb)
  local job = find(ask.job_id)
  if not job then
    return nil, {'lost', 'unknown', ''}
  elseif job.token ~= ask.token then
    return nil, {'lost', 'outdated', job.token}
  elseif not job.settled then
    return job
  elseif job.settled == verb then
    return nil, {'again'}
  end
  return nil, {'lost', 'ended', job.settled}
end

-- What workers have said of job types that they have stopped, without what is over.
local function stops()
  local found = {}
  for _, stored in ipairs(redis.call('HVALS', K.stops)) do
    local stop = cjson.decode(stored)
    if tonumber(stop['until']) > now then
      found[#found + 1] = stop
    else
      redis.call('HDEL', K.stops, stop.job_type .. ' ' .. stop.worker)
    end
  end
  return found
end
