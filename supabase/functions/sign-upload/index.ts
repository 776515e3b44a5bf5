/** A worker that holds no key to the storage asks for a URL to one object. */
import { parsed, Refused, serve, unavailable } from "../_shared/http.ts";
import { asked, namespace, queue, setting } from "../_shared/platform.ts";
import {
  askHolding,
  BUCKETS,
  type Checked,
  checkDownloadRequest,
  checkUploadRequest,
  type DownloadRequest,
  INPUT_BUCKET,
  readHolding,
  resultPrefix,
  type SignedUrl,
  specOf,
  type UploadRequest,
} from "../_shared/routing.ts";
import { checkSignature, readKeys } from "../_shared/signature.ts";

/** Seconds that a URL for reading is good for. */
const READING = 300;

/** What follows a claim in the name of a result: its number and the extension. */
const RESULT = /^[0-9]+\.[a-z0-9.]+$/;

serve(async (request, body): Promise<SignedUrl> => {
  await checkWorker(request, body);
  const asking = parsed(body);
  const isDownload = (asking as { operation?: unknown } | null)?.operation === "download";
  return isDownload
    ? await signDownload(valueOf(checkDownloadRequest(asking)))
    : await signUpload(valueOf(checkUploadRequest(asking)));
});

/** Whoever may tell of jobs may store what they made. */
async function checkWorker(request: Request, body: Uint8Array): Promise<void> {
  const keys = readKeys(setting("OURVIDZ_CALLBACK_KEYS"));
  try {
    await checkSignature(request.headers, body, keys, Date.now());
  } catch (error) {
    throw error instanceof Refused ? refused(error.message, error.status) : error;
  }
}

function valueOf<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw refused(checked.problems.map((one) => `${one.field}: ${one.reason}`).join("; "), 400);
}

/** Whether it is the newest claim of the job that stores, and exactly what such a claim may store. */
async function signUpload(asking: UploadRequest): Promise<SignedUrl> {
  const reply = await asked(queue(), askHolding(asking.job_id, asking.token, namespace()));
  const held = readHolding(reply);
  if (held === null) throw new Refused(409, "lease_lost", "the claim is not the job's newest, or the job has ended");
  const bucket = specOf(held.jobType)?.storage_bucket;
  if (bucket === undefined) throw refused(`no job type ${held.jobType} is known here`);
  const prefix = resultPrefix(bucket, held.userId, asking.job_id, asking.token);
  if (!asking.key.startsWith(prefix) || !RESULT.test(asking.key.slice(prefix.length))) {
    throw refused(`expected a result of this claim, ${prefix}NUMBER.EXTENSION`);
  }
  const rules = BUCKETS[bucket];
  if (rules !== undefined && !rules.file_types.includes(asking.content_type)) {
    throw refused(`the bucket ${bucket} takes ${rules.file_types.join(", ")}`);
  }
  if (asking.size > (rules?.max_size ?? Infinity)) throw refused(`the bucket ${bucket} takes ${rules?.max_size} bytes at most`);
  return await signedUrl(`object/upload/sign/${asking.key}`, {});
}

/** Inputs and results: whatever a job may start from. */
async function signDownload(asking: DownloadRequest): Promise<SignedUrl> {
  const bucket = asking.key.split("/", 1)[0] ?? "";
  if (bucket !== INPUT_BUCKET && !Object.hasOwn(BUCKETS, bucket)) throw refused(`the bucket ${bucket} is none of ours`);
  return await signedUrl(`object/sign/${asking.key}`, { expiresIn: READING });
}

function refused(message: string, status = 403): Refused {
  return new Refused(status, "storage_refused", message);
}

/** Asked without storage-js, which reads the hosted server's name for the URL alone and not that of a local one. */
async function signedUrl(path: string, body: object): Promise<SignedUrl> {
  const storage = `${setting("SUPABASE_URL")}/storage/v1`;
  const key = setting("SUPABASE_SERVICE_ROLE_KEY");
  let answer: Response;
  let fields: Record<string, unknown>;
  try {
    const headers = { apikey: key, authorization: `Bearer ${key}`, "content-type": "application/json" };
    answer = await fetch(`${storage}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    fields = await answer.json();
  } catch (error) {
    throw storageUnavailable(error);
  }
  if (!answer.ok) throw storageError(fields);
  const found = String(fields["url"] ?? fields["signedURL"] ?? fields["signedUrl"]);
  return { version: 1, url: storage + found.replace(/^\/storage\/v1/, "") };
}

/** Most refusals come with status 400 and have the true one in the body. */
function storageError(fields: Record<string, unknown>): Refused {
  const status = String(fields["statusCode"]);
  if (status === "404") return new Refused(404, "object_not_found", "there is no such object");
  if (status === "409") return new Refused(409, "object_exists", "there is such an object already");
  return storageUnavailable(fields);
}

function storageUnavailable(cause: unknown): Refused {
  const { status, message } = unavailable("the storage", cause);
  return new Refused(status, "storage_unavailable", message);
}
