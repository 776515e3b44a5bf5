/**
 * A frontend that uses the client against running functions, as one JSON line on standard output. Realtime is a
 * stand-in: a socket that speaks the protocol of Supabase's realtime server and tells what this file has it tell.
 */
import { createClient } from "npm:@supabase/supabase-js@2";
import { JobRefused, type JobRow, Ourvidz } from "./supabase/client/ourvidz.ts";

const settings = JSON.parse(Deno.env.get("FRONTEND") ?? "{}");

/** Functions have an address each here; a project has one for all. */
function routed(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input);
  const name = /\/functions\/v1\/([a-z-]+)$/.exec(url)?.[1];
  return fetch(name === undefined ? input : settings.functions[name], init);
}

/** A socket that opens, accepts every channel, and tells what `tell` is given; one that is `closed` never opens. */
class StandIn extends EventTarget {
  static closed = false;
  static newest: StandIn | undefined;
  readyState = 0;
  binaryType = "arraybuffer";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  #topic = "";
  #joined: string | null = null;

  constructor(_url: string | URL) {
    super();
    StandIn.newest = this;
    setTimeout(() => {
      this.readyState = StandIn.closed ? 3 : 1;
      if (StandIn.closed) this.onerror?.(new Event("error")), this.onclose?.({ code: 1006 });
      else this.onopen?.();
    });
  }

  send(data: string): void {
    const [joined, ref, topic, event, payload] = JSON.parse(data);
    let response = {};
    if (event === "phx_join") {
      this.#topic = topic;
      this.#joined = joined;
      const changes = payload.config.postgres_changes as object[];
      response = { postgres_changes: changes.map((one, index) => ({ ...one, id: index + 1 })) };
    }
    this.#say([joined, ref, topic, "phx_reply", { status: "ok", response }]);
  }

  tell(record: JobRow): void {
    const columns = Object.keys(record).map((name) => ({ name, type: "jsonb" }));
    const data = { type: "UPDATE", schema: "public", table: "jobs", columns, record, old_record: {}, errors: null };
    this.#say([this.#joined, null, this.#topic, "postgres_changes", { ids: [1], data }]);
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1000 });
  }

  #say(message: unknown): void {
    setTimeout(() => this.onmessage?.({ data: JSON.stringify(message) }));
  }
}

const supabase = createClient(settings.url, settings.key, {
  auth: { persistSession: false, autoRefreshToken: false },
  global: { fetch: routed },
  realtime: { transport: StandIn as unknown as typeof WebSocket },
});
await supabase.auth.signUp({ email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" });
const ourvidz = new Ourvidz(supabase);
const told: Record<string, unknown> = {};

// Wrong input is refused before anything is sent.
try {
  await ourvidz.submit({ job_type: "placeholder_fast", prompt: "" });
} catch (error) {
  told["refused"] = error instanceof JobRefused ? [error.code, error.problems[0]?.field] : String(error);
}

// Polling: realtime is away, and the job is cancelled.
StandIn.closed = true;
const polled = await ourvidz.submit({ job_type: "placeholder_fast", prompt: "a harbour" });
const states: string[] = [];
const seenFirst = Promise.withResolvers<void>();
const watch = ourvidz.watch(polled.jobId, (row) => {
  states.push(row.status);
  seenFirst.resolve();
}, 50);
await seenFirst.promise;
told["cancelled"] = (await ourvidz.cancel(polled.jobId)).status;
told["ended"] = (await watch.ended).status;
told["polled"] = states;

// Realtime: no look could see what the socket tells, since the row itself stays as it is.
StandIn.closed = false;
const live = await ourvidz.submit({ job_type: "placeholder_fast", prompt: "a harbour" });
const row = await ourvidz.read(live.jobId);
const lived: string[] = [];
const connected = Promise.withResolvers<void>();
const other = ourvidz.watch(live.jobId, (now) => {
  lived.push(now.status);
  connected.resolve();
}, 3_600_000);
await connected.promise;
while (!supabase.getChannels().some((channel) => channel.state === "joined")) await new Promise((done) => setTimeout(done, 10));
if (row !== null) {
  StandIn.newest?.tell({ ...row, status: "processing" });
  StandIn.newest?.tell({ ...row, status: "completed" });
}
told["realtime"] = [(await other.ended).status, lived];

// A job that starts from a picture of one's own.
const picture = new Blob([Uint8Array.from(atob(settings.picture), (one) => one.charCodeAt(0))], { type: "image/png" });
const place = await ourvidz.uploadInput(picture);
const repainted = await ourvidz.submit({ job_type: "sdxl_from_a_picture", prompt: "a harbour", inputs: { init_image: place } });
told["repainted"] = repainted.status;
const [bucket = "", ...path] = place.split("/");
told["downloaded"] = (await ourvidz.download({ bucket, path: path.join("/") })).size === picture.size;

console.log(JSON.stringify(told));
Deno.exit(0);
