/** Yours to edit: what a job costs, and whether its user can pay. As shipped, jobs are free. */
import type { SupabaseClient } from "npm:@supabase/supabase-js@2";
import type { JobRequest } from "../_shared/routing.ts";

/** A job that is about to be pushed. A retry of a request has the same id. */
export interface Charge {
  readonly jobId: string;
  readonly userId: string;
  readonly request: JobRequest;
}

/**
 * Take the credits of a job. Return false if its user has too few: the job is then refused with 402, and nothing is
 * left of it. `platform` may write every table. Charge by `jobId`, so that a retry pays once; two may come at once.
 */
export function charge(_charge: Charge, _platform: SupabaseClient): Promise<boolean> {
  return Promise.resolve(true);
}

/** Give back what was taken for this `jobId`, if anything was: the job could not be pushed. It may be called twice. */
export function refund(_charge: Charge, _platform: SupabaseClient): Promise<void> {
  return Promise.resolve();
}
