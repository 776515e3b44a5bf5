/** A user asks for a job: it gets a row and goes onto its queue. Everything but the request itself is the spec's. */
import type { SupabaseClient } from "npm:@supabase/supabase-js@2";
import { invalid, parsed, Refused, serve, unavailable } from "../_shared/http.ts";
import { asked, asPlatform, namespace, queue, userOf } from "../_shared/platform.ts";
import {
  askStanding,
  checkJobRequest,
  type Envelope,
  type JobRequest,
  type JobState,
  type JobStatus,
  MAX_PAYLOAD,
  QUEUES,
  readStanding,
  SPECS,
} from "../_shared/routing.ts";
import { type Charge, charge, refund } from "./credits.ts";
import { checkInputs } from "./inputs.ts";

/** What is read of a row. */
interface Row {
  readonly id: string;
  readonly user_id: string;
  readonly job_type: string;
  readonly status: JobState;
  readonly created_at: string;
  /** Until the first event, how many pushes have begun and did not fail; 0: limits and credits are not checked yet. */
  readonly sequence: number;
}

const READ = "id, user_id, job_type, status, created_at, sequence";

/** A job that was pushed so often is on its queue. Every event's sequence is far above. */
const MOST_PUSHES = 1000;

serve(async (request, body): Promise<JobStatus> => {
  const userId = await userOf(request);
  const checked = checkJobRequest(parsed(body));
  if (!checked.ok) throw invalid(checked.problems);
  const job = checked.value;
  const platform = asPlatform();
  const id = await jobIdOf(job, userId);

  let row = await rowOf(id, platform);
  // Before every push, since a second request with a key may name other inputs than the first.
  if (row === null || row.status === "queued") await checkInputs(job, userId, platform);
  if (row === null) {
    // Another request with this key may have been faster.
    row = (await insert(id, job, userId, platform)) ?? (await rowOf(id, platform));
  }
  if (row === null) throw takenBack();
  if (row.job_type !== job.job_type) {
    throw invalid([{ field: "idempotency_key", reason: `found the key of a job of type ${row.job_type}, expected a new one` }]);
  }
  if (row.status === "queued" && (await enqueue(row, job, platform)) === "begun") row = (await rowOf(id, platform)) ?? row;
  return await status(row);
});

/**
 * Onto the queue, once it is known that it may. Requests with one key may be here at the same time, and a request that
 * is sent again may be after one whose function was killed: whoever fails takes the row back if nobody else pushed.
 */
async function enqueue(row: Row, job: JobRequest, platform: SupabaseClient): Promise<"pushed" | "begun"> {
  const bill = { jobId: row.id, userId: row.user_id, request: job };
  if (row.sequence === 0) await admit(row, bill, platform);
  const standing = await countPush(row.id, 1, platform);
  if (standing === "begun") return standing;
  if (standing === "gone") {
    await refund(bill, platform);
    throw takenBack();
  }
  try {
    await push(row, job);
    return "pushed";
  } catch (error) {
    if ((await withdrawPush(row.id, platform)) === "gone") await refund(bill, platform);
    throw error;
  }
}

/** Limits and credits. Of a job that is refused nothing is left. */
async function admit(row: Row, bill: Charge, platform: SupabaseClient): Promise<void> {
  try {
    await checkLimits(row, platform);
    if (!(await charge(bill, platform))) throw new Refused(402, "too_few_credits", "you have too few credits for this job");
  } catch (error) {
    const { error: kept } = await platform.from("jobs").delete().eq("id", row.id).eq("status", "queued").eq("sequence", 0);
    if (kept !== null) logKept(row.id, kept);
    throw error;
  }
}

/**
 * Counts a push that begins, or one that failed. `gone`: there is no row, or none any more, since that was its only
 * push; `begun`: a worker has the job.
 */
async function countPush(id: string, by: 1 | -1, platform: SupabaseClient): Promise<"counted" | "gone" | "begun"> {
  for (let tries = 0; tries < 20; tries++) {
    const row = await rowOf(id, platform);
    if (row === null) return "gone";
    if (row.status !== "queued" || row.sequence >= MOST_PUSHES) return "begun";
    const pushes = row.sequence + by;
    const jobs = platform.from("jobs");
    // Only as long as nobody else has counted.
    const changed = pushes > 0
      ? await jobs.update({ sequence: pushes }).match({ id, status: "queued", sequence: row.sequence }).select("id")
      : await jobs.delete().match({ id, status: "queued", sequence: row.sequence }).select("id");
    if (changed.error !== null) throw unavailable("the database", changed.error);
    if (changed.data.length > 0) return pushes > 0 ? "counted" : "gone";
  }
  throw unavailable("the database", new Error(`the row of job ${id} is changed all the time`));
}

/** After a push that failed: the refusal that led here is what the client has to hear. */
async function withdrawPush(id: string, platform: SupabaseClient): Promise<"counted" | "gone" | "begun"> {
  try {
    return await countPush(id, -1, platform);
  } catch (error) {
    logKept(id, error);
    return "counted";
  }
}

/** Such a row waits; `ourvidz reconcile` ends it. */
function logKept(id: string, why: unknown): void {
  console.error(`the row of job ${id} could not be taken back: ${why instanceof Error ? why.message : JSON.stringify(why)}`);
}

function takenBack(): Refused {
  return new Refused(503, "temporarily_unavailable", "the first request was taken back; send it again");
}

/** The id follows from the key, so that a queue which has seen the job knows it again even if its row was taken back. */
async function jobIdOf(job: JobRequest, userId: string): Promise<string> {
  if (!job.idempotency_key) return crypto.randomUUID();
  const text = new TextEncoder().encode(`${userId}/${job.idempotency_key}`);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).slice(0, 16);
  // Version 8 of RFC 9562: made in a way of one's own.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function rowOf(id: string, platform: SupabaseClient): Promise<Row | null> {
  const { data, error } = await platform.from("jobs").select(READ).eq("id", id).maybeSingle<Row>();
  if (error !== null) throw unavailable("the database", error);
  return data;
}

/** The new row; null if there is one of this id. */
async function insert(id: string, job: JobRequest, userId: string, platform: SupabaseClient): Promise<Row | null> {
  const spec = SPECS[job.job_type];
  const row = {
    id,
    user_id: userId,
    job_type: job.job_type,
    status: "queued",
    max_attempts: spec.max_attempts,
    format: spec.content_type,
    quality: spec.quality_tier,
    metadata: job.metadata ?? {},
    idempotency_key: job.idempotency_key ?? null,
  };
  const { data, error } = await platform
    .from("jobs")
    .upsert(row, { onConflict: "id", ignoreDuplicates: true })
    .select(READ)
    .returns<Row[]>();
  if (error !== null) throw unavailable("the database", error);
  return data[0] ?? null;
}

/** Counts with the new row in place: of requests at the same time, none slips through. */
async function checkLimits(row: Row, platform: SupabaseClient): Promise<void> {
  const { waiting, per_minute } = SPECS[row.job_type as JobRequest["job_type"]].limits;
  const mine = () => platform.from("jobs").select("id").eq("user_id", row.user_id).eq("job_type", row.job_type);
  if (waiting !== null) {
    const { data, error } = await mine().eq("status", "queued").limit(waiting + 1);
    if (error !== null) throw unavailable("the database", error);
    if (data.length > waiting) {
      throw new Refused(429, "too_many_waiting", `${row.job_type}: found ${waiting} jobs that wait, expected fewer; wait for one`);
    }
  }
  if (per_minute !== null) {
    const since = new Date(Date.parse(row.created_at) - 60_000).toISOString();
    const { data, error } = await mine().gt("created_at", since).limit(per_minute + 1);
    if (error !== null) throw unavailable("the database", error);
    if (data.length > per_minute) {
      throw new Refused(429, "too_many_per_minute", `${row.job_type}: found ${per_minute} jobs in a minute, expected fewer; wait`);
    }
  }
}

/** Puts the job onto its queue unless it lies there. Workers drop a second envelope of a job that they have read. */
async function push(row: Row, job: JobRequest): Promise<void> {
  const payload = JSON.stringify(envelope(row, job));
  if (new TextEncoder().encode(payload).length > MAX_PAYLOAD) {
    throw new Refused(413, "request_too_large", `found a job of more than ${MAX_PAYLOAD} bytes, expected fewer`);
  }
  const name = SPECS[job.job_type].queue;
  const redis = queue();
  try {
    if ((await redis.lpos<number | null>(name, payload)) !== null) return;
    if (QUEUES[name]?.push === "RPUSH") await redis.rpush(name, payload);
    else await redis.lpush(name, payload);
  } catch (error) {
    throw unavailable("the queue", error);
  }
}

/** The same bytes for the same row and request. */
function envelope(row: Row, job: JobRequest): Envelope {
  return {
    version: 1,
    job_id: row.id,
    job_type: job.job_type,
    user_id: row.user_id,
    prompt: job.prompt,
    negative_prompt: job.negative_prompt ?? null,
    seed: job.seed ?? null,
    num_images: job.num_images ?? 1,
    params: job.params ?? {},
    inputs: job.inputs ?? {},
    spec_digest: SPECS[job.job_type].digest,
    submitted_at: new Date(row.created_at).toISOString(),
    metadata: job.metadata ?? {},
  };
}

async function status(row: Row): Promise<JobStatus> {
  const jobType = row.job_type as JobRequest["job_type"];
  const standing = { jobId: row.id, jobType, status: row.status, workerType: SPECS[jobType].worker };
  if (row.status !== "queued") return { ...standing, estimatedTime: 0 };
  try {
    const call = askStanding({ jobId: row.id, jobType, userId: row.user_id }, namespace());
    const { queuePosition, estimatedTime } = readStanding(jobType, await asked(queue(), call));
    return { ...standing, estimatedTime, ...(queuePosition === null ? {} : { queuePosition }) };
  } catch (error) {
    // The job is on its queue; where it stands is not worth a refusal, and asked() has logged why.
    if (!(error instanceof Refused)) throw error;
    return { ...standing, estimatedTime: SPECS[jobType].expected_time };
  }
}
