/** The project's database, storage, users and queue, as the environment names them. */
import { createClient, type SupabaseClient } from "npm:@supabase/supabase-js@2";
import { Redis } from "npm:@upstash/redis@1";
import { Refused, unavailable } from "./http.ts";
import type { RedisCall } from "./routing.ts";

/** A setting that has to be there; `supabase secrets set` sets those that Supabase does not. */
export function setting(name: string): string {
  const value = Deno.env.get(name)?.trim();
  if (!value) throw new Error(`${name}: found nothing in the environment, expected a value; supabase secrets set ${name}=…`);
  return value;
}

const STATELESS = { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false } } as const;

/** Acts as the platform itself: row level security does not bind it. */
export function asPlatform(): SupabaseClient {
  return createClient(setting("SUPABASE_URL"), setting("SUPABASE_SERVICE_ROLE_KEY"), STATELESS);
}

/** The id of the user whose access token a request carries. */
export async function userOf(request: Request): Promise<string> {
  const token = bearer(request);
  const supabase = createClient(setting("SUPABASE_URL"), setting("SUPABASE_ANON_KEY"), STATELESS);
  const { data, error } = await supabase.auth.getUser(token);
  if (error !== null && (error.status === undefined || error.status === 0 || error.status >= 500)) {
    throw unavailable("the user service", error);
  }
  if (error !== null) throw new Refused(401, "not_signed_in", "this access token is nobody's; sign in again");
  return data.user.id;
}

/** The token of `Authorization: Bearer`. */
export function bearer(request: Request): string {
  const [scheme, token] = (request.headers.get("authorization") ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !token) {
    throw new Refused(401, "not_signed_in", "found no Authorization: Bearer, expected an access token");
  }
  return token;
}

/** Without retries: the push of a lost reply would be made twice. Texts stay texts, so that no large number is rounded. */
export function queue(): Redis {
  return new Redis({
    url: setting("UPSTASH_REDIS_REST_URL"),
    token: setting("UPSTASH_REDIS_REST_TOKEN"),
    retry: false,
    automaticDeserialization: false,
  });
}

/** Runs one of the scripts that workers run. */
export async function asked(redis: Redis, call: RedisCall): Promise<readonly unknown[]> {
  try {
    return await redis.eval<string[], unknown[]>(call.script, call.keys, call.args);
  } catch (error) {
    throw unavailable("the queue", error);
  }
}

/** `namespace` of the queue's URL, where it is another than the default. */
export function namespace(): string | undefined {
  return Deno.env.get("OURVIDZ_QUEUE_NAMESPACE")?.trim() || undefined;
}
