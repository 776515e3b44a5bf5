/** A user asks for a job of theirs to stop. */
import { invalid, parsed, Refused, serve, unavailable } from "../_shared/http.ts";
import { asked, asPlatform, namespace, queue, userOf } from "../_shared/platform.ts";
import { askCancelling, type CancelAnswer, checkCancelRequest, type JobState, readCancelling, specOf } from "../_shared/routing.ts";

serve(async (request, body): Promise<CancelAnswer> => {
  const userId = await userOf(request);
  const checked = checkCancelRequest(parsed(body));
  if (!checked.ok) throw invalid(checked.problems);
  const jobId = checked.value.job_id.toLowerCase();
  const jobs = () => asPlatform().from("jobs");

  const { data: row, error } = await jobs()
    .select("job_type, status")
    .eq("id", jobId)
    .eq("user_id", userId)
    .maybeSingle<{ job_type: string; status: JobState }>();
  if (error !== null) throw unavailable("the database", error);
  if (row === null) throw new Refused(404, "job_not_found", "you have no such job");
  if (row.status !== "queued" && row.status !== "processing") return { jobId, status: row.status };

  const name = specOf(row.job_type)?.queue;
  if (name === undefined) throw new Refused(404, "job_not_found", `no worker makes jobs of type ${row.job_type}`);
  const outcome = readCancelling(await asked(queue(), askCancelling(jobId, name, namespace())));
  if (outcome !== "withdrawn" && outcome !== "unknown") return { jobId, status: outcome };
  // No worker has read it, so no callback will tell: the row says so itself.
  const ended = await jobs()
    .update({ status: "cancelled", completed_at: new Date().toISOString() })
    .eq("id", jobId)
    .in("status", ["queued", "processing"])
    .select("id");
  if (ended.error !== null) throw unavailable("the database", ended.error);
  return { jobId, status: "cancelled" };
});
