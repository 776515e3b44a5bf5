/** What every function does with a request before and after its own part: method, size, JSON, refusals. */
import type { FieldProblem, Refusal } from "./routing.ts";

/** Largest body in bytes; what does not fit onto a queue need not be read. */
const MAX_BODY = 1024 * 1024;

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, x-client-info, apikey, content-type",
  "access-control-allow-methods": "POST",
} as const;

/** Why a request is not done; its message may be shown to whoever asked. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly problems: readonly FieldProblem[];

  constructor(status: number, code: string, message: string, problems: readonly FieldProblem[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** Wrong input: 400 with every field and reason. */
export function invalid(problems: readonly FieldProblem[]): Refused {
  return new Refused(400, "request_invalid", problems.map((one) => `${one.field}: ${one.reason}`).join("; "), problems);
}

/** Database, queue or storage could not do its part; the cause goes to the log, not to the client. */
export function unavailable(what: string, cause: unknown): Refused {
  console.error(`${what}: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : JSON.stringify(cause)}`);
  return new Refused(503, "temporarily_unavailable", `${what} cannot be reached; send the same request again later`);
}

/** Handles POSTs; `handle` gets the request and its body, and what it returns is answered as JSON. */
export function serve(handle: (request: Request, body: Uint8Array) => Promise<object>): void {
  Deno.serve(async (request) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    try {
      if (request.method !== "POST") throw new Refused(405, "method_not_allowed", "expected POST");
      return Response.json(await handle(request, await bodyOf(request)), { headers: CORS });
    } catch (error) {
      return refusal(error);
    }
  });
}

/** The value of a JSON body. */
export function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalid([{ field: "", reason: "found no JSON in UTF-8, expected an object" }]);
  }
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > MAX_BODY) throw new Refused(413, "request_too_large", `found more than ${MAX_BODY} bytes, expected fewer`);
    parts.push(part);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function refusal(error: unknown): Response {
  const refused = error instanceof Refused ? error : unavailable("the function's own set-up", error);
  const { status, code, message, problems } = refused;
  const body: Refusal = problems.length > 0 ? { code, message, problems } : { code, message };
  return Response.json(body, { status, headers: CORS });
}
