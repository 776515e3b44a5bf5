// What a frontend and an edge function do with the module: compiled, never run.
import {
  COMPLETION_TIMES,
  FALLBACK_STRATEGIES,
  JOB_TYPES,
  PHASE_2_ROUTING,
  QUEUE_ROUTING,
  STORAGE_BUCKET_MAPPING,
  WORKER_TYPES,
} from "./routing.ts";
import type { JobState, JobStatus, JobType, WorkerType } from "./routing.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => undefined;

same<JobType, keyof typeof QUEUE_ROUTING | keyof typeof PHASE_2_ROUTING>(true);
same<JobType, keyof typeof STORAGE_BUCKET_MAPPING>(true);
same<JobType, (typeof JOB_TYPES)[number]["id"]>(true);
same<keyof typeof PHASE_2_ROUTING, "sdxl_image_premium" | "sdxl_img2img">(true);
same<WorkerType, "SDXL" | "WAN">(true);
same<JobState, "queued" | "processing" | "completed" | "failed" | "cancelled">(true);
same<typeof QUEUE_ROUTING.video_high, "wan_queue">(true);
same<typeof STORAGE_BUCKET_MAPPING.sdxl_image_fast, "sdxl_fast">(true);
same<typeof COMPLETION_TIMES.image_fast, 73>(true);
same<typeof FALLBACK_STRATEGIES.sdxl_image_fast, "image_fast">(true);
same<typeof FALLBACK_STRATEGIES.sdxl_img2img, null>(true);
same<(typeof JOB_TYPES)[0], {
  readonly id: "sdxl_image_fast";
  readonly name: "SDXL Fast";
  readonly time: "~5s";
  readonly badge: "ULTRA FAST";
}>(true);

export function statusOf(jobId: string, jobType: JobType): JobStatus {
  return {
    jobId,
    jobType,
    status: "queued",
    estimatedTime: COMPLETION_TIMES[jobType],
    workerType: WORKER_TYPES[jobType],
  };
}

export const waiting: JobStatus = { ...statusOf("1", "video_fast"), queuePosition: 3 };

// @ts-expect-error a misspelt job type
export const misspelt: JobType = "sdxl_image_fats";
// @ts-expect-error a phase 2 job type is not in the table of phase 1
export const queue = QUEUE_ROUTING["sdxl_img2img"];
// @ts-expect-error a state that no job has
export const state: JobStatus["status"] = "done";
// @ts-expect-error a status needs its worker type
export const incomplete: JobStatus = { jobId: "1", jobType: "video_fast", status: "queued", estimatedTime: 1 };
// @ts-expect-error the tables are read-only
COMPLETION_TIMES.image_fast = 1;
