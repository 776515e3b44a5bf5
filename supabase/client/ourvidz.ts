/** For frontends: ask for a job, upload the picture that it starts from, watch it, cancel it, fetch what it made. */
import type { SupabaseClient } from "@supabase/supabase-js";
import {
  type Asset,
  type CancelAnswer,
  checkJobRequest,
  type FieldProblem,
  INPUT_BUCKET,
  type JobRequest,
  type JobState,
  type JobStatus,
  type JobType,
  type Progress,
  type Refusal,
  type Result,
} from "../functions/_shared/routing.ts";

/** What a frontend reads of a job's row. */
export interface JobRow {
  readonly id: string;
  readonly job_type: JobType;
  readonly status: JobState;
  readonly progress: Progress | null;
  readonly result: Result | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** A job that is watched. */
export interface Watch {
  /** Resolves with the row once the job has ended; rejects if it was stopped before. */
  readonly ended: Promise<JobRow>;
  /** Watch no longer. */
  readonly stop: () => void;
}

/** Why a function did not do what it was asked; `problems` names the fields. */
export class JobRefused extends Error {
  readonly code: string;
  readonly problems: readonly FieldProblem[];

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "JobRefused";
    this.code = refusal.code;
    this.problems = refusal.problems ?? [];
  }

  /** Whether the same request may be accepted later. */
  get isTemporary(): boolean {
    return this.code === "temporarily_unavailable";
  }
}

const COLUMNS = "id, job_type, status, progress, result, error_code, error_message";

const EXTENSIONS: Readonly<Record<string, string>> = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/** Acts as the user that `supabase` is signed in as. */
export class Ourvidz {
  readonly #supabase: SupabaseClient;

  constructor(supabase: SupabaseClient) {
    this.#supabase = supabase;
  }

  /**
   * Asks for a job. Throws JobRefused, for wrong input before anything is sent. If no answer comes, or a temporary
   * refusal, it asks once more with the same key; whoever asks again later gives an `idempotency_key` of their own.
   */
  async submit(request: JobRequest): Promise<JobStatus> {
    const checked = checkJobRequest(request);
    if (!checked.ok) {
      const message = checked.problems.map((one) => `${one.field}: ${one.reason}`).join("; ");
      throw new JobRefused({ code: "request_invalid", message, problems: checked.problems });
    }
    const keyed = { ...request, idempotency_key: request.idempotency_key ?? crypto.randomUUID() };
    try {
      return await this.#ask<JobStatus>("queue-job", keyed);
    } catch (error) {
      if (error instanceof JobRefused && !error.isTemporary) throw error;
      return await this.#ask<JobStatus>("queue-job", keyed);
    }
  }

  /** Stores a picture in the user's own folder; returns what to put into `inputs`. */
  async uploadInput(picture: Blob): Promise<string> {
    const extension = EXTENSIONS[picture.type];
    if (extension === undefined) throw new Error(`found ${picture.type || "no type"}, expected ${Object.keys(EXTENSIONS).join(", ")}`);
    const { data, error } = await this.#supabase.auth.getUser();
    if (error !== null) throw error;
    const path = `${data.user.id}/${crypto.randomUUID()}.${extension}`;
    const bytes = await picture.arrayBuffer();
    const stored = await this.#supabase.storage.from(INPUT_BUCKET).upload(path, bytes, { contentType: picture.type });
    if (stored.error !== null) throw stored.error;
    return `${INPUT_BUCKET}/${path}`;
  }

  /** Asks for a job to stop; `processing` says that its worker will. */
  async cancel(jobId: string): Promise<CancelAnswer> {
    return await this.#ask<CancelAnswer>("cancel-job", { job_id: jobId });
  }

  /** The row as it is now; null if the user has no such job. */
  async read(jobId: string): Promise<JobRow | null> {
    const { data, error } = await this.#supabase.from("jobs").select(COLUMNS).eq("id", jobId).maybeSingle<JobRow>();
    if (error !== null) throw error;
    return data;
  }

  /** The bytes of something that a job has made. */
  async download(asset: Pick<Asset, "bucket" | "path">): Promise<Blob> {
    const { data, error } = await this.#supabase.storage.from(asset.bucket).download(asset.path);
    if (error !== null) throw error;
    return data;
  }

  /**
   * Calls `changed` with the row now and at every change until the job has ended: told over realtime, and while
   * realtime tells no changes by a look every `interval` milliseconds.
   */
  watch(jobId: string, changed: (row: JobRow) => void, interval = 3000): Watch {
    const supabase = this.#supabase;
    const { promise, resolve, reject } = withResolvers<JobRow>();
    let isOver = false;
    let isTold = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = "";

    const over = () => {
      isOver = true;
      clearTimeout(timer);
      void supabase.removeChannel(channel);
    };
    const see = (row: JobRow) => {
      if (isOver) return;
      const seen = JSON.stringify(row);
      if (seen !== last) changed(row);
      last = seen;
      if (row.status === "queued" || row.status === "processing") return;
      over();
      resolve(row);
    };
    const look = async () => {
      clearTimeout(timer);
      const wasTold = isTold;
      let isRead = false;
      try {
        const row = await this.read(jobId);
        isRead = true;
        if (row !== null) see(row);
      } catch (error) {
        console.warn("the job could not be read; the next look tries again", error);
      }
      clearTimeout(timer);
      // What changed before realtime tells changes is told by nobody: one look has to come after it.
      if (!isOver && !(wasTold && isTold && isRead)) timer = setTimeout(() => void look(), interval);
    };
    const filter = { event: "UPDATE", schema: "public", table: "jobs", filter: `id=eq.${jobId}` } as const;
    const channel = supabase
      .channel(`job-${jobId}-${crypto.randomUUID()}`)
      .on("postgres_changes", filter, (change) => {
        const row = rowOf(change.new as JobRow);
        // The server leaves out what is too large, or what may not be read any more.
        if (row.status === undefined) void look();
        else see(row);
      })
      .on("system", {}, (news: { extension?: string; status?: string }) => {
        if (isOver || news.extension !== "postgres_changes") return;
        isTold = news.status === "ok";
        void look();
      })
      .subscribe((state) => {
        // A channel that is joined tells no changes until the server says so, as system news.
        if (isOver || state === "SUBSCRIBED") return;
        isTold = false;
        void look();
      });
    void look();
    const stop = () => {
      if (isOver) return;
      over();
      reject(new Error(`job ${jobId} is not watched any more`));
    };
    return { ended: promise, stop };
  }

  async #ask<T>(name: string, body: object): Promise<T> {
    const { data, error } = await this.#supabase.functions.invoke<T>(name, { body: { ...body } });
    if (error === null && data !== null) return data;
    const answer: unknown = error?.context;
    if (answer instanceof Response) throw new JobRefused(await refusalOf(answer));
    throw error;
  }
}

/** The columns that are read elsewhere, too: realtime tells all of them. */
function rowOf(row: JobRow): JobRow {
  const { id, job_type, status, progress, result, error_code, error_message } = row;
  return { id, job_type, status, progress, result, error_code, error_message };
}

async function refusalOf(answer: Response): Promise<Refusal> {
  try {
    return await answer.json();
  } catch {
    // A gateway's own page: the function was not reached.
    return { code: "temporarily_unavailable", message: `the function answered ${answer.status}` };
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  // Whoever does not wait for the end need not catch that it is not watched any more.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
