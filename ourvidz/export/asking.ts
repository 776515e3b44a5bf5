/** A script with its keys and arguments, as `eval` of `@upstash/redis` takes them. */
export interface RedisCall {
  readonly script: string;
  readonly keys: string[];
  readonly args: string[];
}

/** The name of a key on the server. */
export function redisKey(name: RedisKey, namespace: string = REDIS_NAMESPACE): string {
  return `${namespace}:${name}`;
}

function redisCall(script: RedisScript, ask: Record<string, Json>, queue: string | null, namespace: string): RedisCall {
  const lists = queue === null ? [] : [{ queue, take: takenFrom(queue) }];
  const keys = REDIS_KEYS.map((name) => redisKey(name, namespace));
  return {
    script: REDIS_PRELUDE + REDIS_SCRIPTS[script],
    keys: queue === null ? keys : [...keys, queue],
    args: ["0", JSON.stringify({ ...ask, lists })],
  };
}

function takenFrom(queue: string): string {
  return own<Queue>(QUEUES, queue)?.push === "RPUSH" ? "left" : "right";
}

/** Asks whether a claim is its job's newest; `readHolding` reads the reply. */
export function askHolding(jobId: string, token: number, namespace: string = REDIS_NAMESPACE): RedisCall {
  return redisCall("holds", { job_id: jobId, token: String(token) }, null, namespace);
}

/** Whose job a claim is, and of which type; null if the claim is outdated or the job has ended. */
export function readHolding(reply: readonly unknown[]): { userId: string; jobType: string } | null {
  return reply[0] === "ok" ? { userId: String(reply[1]), jobType: String(reply[2]) } : null;
}

/** Asks where a job of a user stands in line that has just been pushed; `readStanding` reads the reply. */
export function askStanding(
  job: { readonly jobId: string; readonly jobType: string; readonly userId: string; readonly priority?: number },
  namespace: string = REDIS_NAMESPACE,
): RedisCall {
  const ask = { job_id: job.jobId, job_type: job.jobType, user_id: job.userId, priority: String(job.priority ?? 0) };
  return redisCall("position", ask, specOf(job.jobType)?.queue ?? "", namespace);
}

/** A job's place in line, 1 for the next to start and null once it has, and the seconds until it is done. */
export function readStanding(
  jobType: string,
  reply: readonly unknown[],
): { queuePosition: number | null; estimatedTime: number } {
  const usual = specOf(jobType)?.expected_time ?? 0;
  if (reply[0] !== "ok") return { queuePosition: null, estimatedTime: usual };
  const mine = typical(String(reply[4])) ?? usual;
  // What no worker has read is taken for jobs like this one.
  let ahead = Number(reply[1]);
  let seconds = mine * (ahead + 1);
  for (let at = 5; at + 2 < reply.length; at += 3) {
    const [type, count] = [String(reply[at]), Number(reply[at + 1])];
    ahead += count;
    seconds += count * (typical(String(reply[at + 2])) ?? specOf(type)?.expected_time ?? 0);
  }
  return { queuePosition: ahead + 1, estimatedTime: Math.round(seconds * 10) / 10 };
}

/** Asks for a job to be cancelled; `readCancelling` reads the reply. */
export function askCancelling(jobId: string, queue: string, namespace: string = REDIS_NAMESPACE): RedisCall {
  return redisCall("cancel", { job_id: jobId }, queue, namespace);
}

/**
 * What becomes of it: `cancelled`, and a callback says so; `processing`, until its worker stops it and a
 * callback says so; `withdrawn` from the list before any worker read it, and nobody else says so; `unknown`;
 * or the state that it has ended in before.
 */
export function readCancelling(reply: readonly unknown[]): JobState | "withdrawn" | "unknown" {
  return (reply[0] === "ok" || reply[0] === "ended" ? reply[1] : reply[0]) as JobState | "withdrawn" | "unknown";
}

/** The median of measured seconds; null if there are none. */
function typical(measured: string): number | null {
  const seconds = measured.split(" ").filter((one) => one !== "").map(Number).sort((one, other) => one - other);
  const middle = seconds.length >> 1;
  const upper = seconds[middle];
  if (upper === undefined) return null;
  return seconds.length % 2 === 1 ? upper : (upper + (seconds[middle - 1] ?? upper)) / 2;
}

/** The spec of a job type by whatever name a client or a server has sent; undefined if there is none. */
export function specOf(jobType: string): JobTypeSpec | undefined {
  return own<JobTypeSpec>(SPECS, jobType);
}

/** How the names of a claim's results begin, `bucket/path`. */
export function resultPrefix(bucket: string, userId: string, jobId: string, token: number): string {
  return `${bucket}/${userId}/${jobId}/${token}-`;
}
