/** A worker tells what became of a job; the job's row says so, once. */
import { invalid, parsed, serve, unavailable } from "../_shared/http.ts";
import { asPlatform, setting } from "../_shared/platform.ts";
import { type CallbackAnswer, checkJobEvent, type JobEvent } from "../_shared/routing.ts";
import { checkSignature, readKeys } from "../_shared/signature.ts";

serve(async (request, body): Promise<CallbackAnswer> => {
  await checkSignature(request.headers, body, readKeys(setting("OURVIDZ_CALLBACK_KEYS")), Date.now());
  const event = checkJobEvent(parsed(body));
  if (!event.ok) throw invalid(event.problems);
  return { applied: await apply(event.value) };
});

/** One statement, so that of two deliveries at the same time one changes the row. */
async function apply(event: JobEvent): Promise<boolean> {
  const { data, error } = await asPlatform()
    .from("jobs")
    .update(columns(event))
    .eq("id", event.job_id)
    .in("status", ["queued", "processing"])
    .lt("sequence", event.sequence)
    .select("id");
  if (error !== null) throw unavailable("the database", error);
  return data.length > 0;
}

function columns(event: JobEvent): Record<string, unknown> {
  const isFinal = event.status !== "queued" && event.status !== "processing";
  return {
    status: event.status,
    sequence: event.sequence,
    attempts: event.attempt ?? 0,
    effective_job_type: event.effective_job_type ?? null,
    progress: event.progress ?? null,
    result: event.result ?? null,
    error_code: event.error?.code ?? null,
    error_message: event.error?.message ?? null,
    // The end of a job that never ran, or that waits again, does not say when it was started before.
    ...(event.started_at ? { started_at: event.started_at } : {}),
    ...(isFinal ? { completed_at: event.at } : {}),
  };
}
