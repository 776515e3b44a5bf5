/** Whether a value is a request that its job type takes, and if not, why. */
export function checkJobRequest(value: unknown): Checked<JobRequest> {
  const any = checked<JobRequest>(value, { $ref: "JobRequest" });
  if (!any.ok) return any;
  const schema = own(REQUEST_SCHEMAS, any.value.job_type);
  if (schema !== undefined) return checked(value, schema);
  const known = specOf(any.value.job_type) !== undefined;
  const found = known ? "a job type that takes no jobs any more" : "a job type that is not known";
  const offered = Object.keys(REQUEST_SCHEMAS).join(", ") || "none";
  return { ok: false, problems: [problem("job_type", `found ${found}, expected one of ${offered}`)] };
}
