/**
 * A frontend that uses the client against running functions, as one JSON line on standard output. Realtime is a
 * stand-in: a socket that speaks the protocol of Supabase's realtime server and tells what this file has it tell.
 */
import { createClient } from "npm:@supabase/supabase-js@2";
import { JobRefused, type JobRow, Ourvidz } from "./supabase/client/ourvidz.ts";

const settings = JSON.parse(Deno.env.get("FRONTEND") ?? "{}");

/** How often the row has been read. */
let looks = 0;

/** Functions have an address each here; a project has one for all. */
async function routed(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input);
  const name = /\/functions\/v1\/([a-z-]+)$/.exec(url)?.[1];
  const answer = await fetch(name === undefined ? input : settings.functions[name], init);
  if (url.includes("/rest/v1/jobs")) looks++;
  return answer;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 10));
}

/**
 * A socket that opens, accepts every channel, and tells what `tell` is given; one that is `closed` never opens. What
 * the server says of a channel once it is joined is its `news`: whether changes are told.
 */
class StandIn extends EventTarget {
  static closed = false;
  static news: "ok" | "error" | "none" = "ok";
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
    if (event !== "phx_join" || StandIn.news === "none") return;
    const news = { extension: "postgres_changes", status: StandIn.news, message: "", channel: topic };
    this.#say([joined, null, topic, "system", news]);
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
const before = looks;
const other = ourvidz.watch(live.jobId, (now) => {
  lived.push(now.status);
  connected.resolve();
}, 3_600_000);
await connected.promise;
// One look at first, and one since changes are told.
await until(() => looks >= before + 2);
await new Promise((done) => setTimeout(done, 50));
if (row !== null) {
  StandIn.newest?.tell({ ...row, status: "processing" });
  StandIn.newest?.tell({ ...row, status: "completed" });
}
told["realtime"] = [(await other.ended).status, lived];

/** How a job that is cancelled is seen to end, where realtime is no help once `when` has come. */
async function withoutHelp(when: () => Promise<void>): Promise<JobRow["status"]> {
  const { jobId } = await ourvidz.submit({ job_type: "placeholder_fast", prompt: "a harbour" });
  const watched = ourvidz.watch(jobId, () => {}, 50);
  await until(() => supabase.getChannels().some((channel) => channel.state === "joined"));
  await when();
  await ourvidz.cancel(jobId);
  return (await watched.ended).status;
}

// Joined, and nothing is told: looks go on. A connection that is lost is as good as none.
StandIn.news = "none";
told["joined only"] = await withoutHelp(async () => {});
StandIn.news = "error";
told["told an error"] = await withoutHelp(async () => {});
StandIn.news = "ok";
told["dropped"] = await withoutHelp(async () => {
  // By now changes are told, and the row has been read since.
  await new Promise((done) => setTimeout(done, 300));
  StandIn.closed = true;
  StandIn.newest?.close();
});

// A job that starts from a picture of one's own.
const picture = new Blob([Uint8Array.from(atob(settings.picture), (one) => one.charCodeAt(0))], { type: "image/png" });
const place = await ourvidz.uploadInput(picture);
const repainted = await ourvidz.submit({ job_type: "sdxl_from_a_picture", prompt: "a harbour", inputs: { init_image: place } });
told["repainted"] = repainted.status;
const [bucket = "", ...path] = place.split("/");
told["downloaded"] = (await ourvidz.download({ bucket, path: path.join("/") })).size === picture.size;

console.log(JSON.stringify(told));
Deno.exit(0);
