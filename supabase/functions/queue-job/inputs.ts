/** Whether what a request brings along is there, and its user's own. */
import type { SupabaseClient } from "npm:@supabase/supabase-js@2";
import { invalid, Refused, unavailable } from "../_shared/http.ts";
import { BUCKETS, INPUT_BUCKET, type JobRequest, SPECS } from "../_shared/routing.ts";

/** Throws Refused for a picture of somebody else's, or one that is missing or too large. */
export async function checkInputs(request: JobRequest, userId: string, platform: SupabaseClient): Promise<void> {
  const most = SPECS[request.job_type].init_image?.max_size ?? Infinity;
  for (const [name, place] of Object.entries(request.inputs ?? {})) {
    // The worker fetches URLs itself, by its own rules; a request with one passes only where they are allowed.
    if (place === undefined || place.startsWith("https://")) continue;
    const field = `inputs.${name}`;
    const [bucket = "", owner, ...rest] = place.split("/");
    if (bucket !== INPUT_BUCKET && !Object.hasOwn(BUCKETS, bucket)) {
      throw invalid([{ field, reason: `found a bucket that is not known, expected ${INPUT_BUCKET} or one of results` }]);
    }
    if (owner !== userId) {
      throw new Refused(403, "input_of_another_user", `${field}: expected a picture in your own folder`, [
        { field, reason: "found a picture of somebody else's, expected one in your own folder" },
      ]);
    }
    const size = await sizeOf(bucket, [owner, ...rest].join("/"), platform);
    if (size === undefined) {
      throw invalid([{ field, reason: `found no such picture, expected one that was uploaded to ${bucket} before` }]);
    }
    if (size > most) throw invalid([{ field, reason: `found ${size} bytes, expected at most ${most}` }]);
  }
}

/** Bytes of an object; undefined if there is none. */
async function sizeOf(bucket: string, path: string, platform: SupabaseClient): Promise<number | undefined> {
  const { data, error } = await platform.storage.from(bucket).info(path);
  if (error === null) return data.size ?? Number(data.metadata?.["contentLength"] ?? 0);
  // Most refusals come with status 400 and have the true one in the body.
  if (error.statusCode === "404") return undefined;
  throw unavailable("the storage", error);
}
