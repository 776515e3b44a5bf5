/** Whether a request is from a worker of ours: HMAC-SHA256 over `time.body`, by one of the keys in use. */
import { Refused } from "./http.ts";
import { CALLBACK_SIGNATURE } from "./routing.ts";

const KEY = /^([A-Za-z0-9_-]{1,32}):([!-~]{32,})$/;

/** Keys by id, of `OURVIDZ_CALLBACK_KEYS`: `id:secret`, or two by a comma while one is exchanged. */
export function readKeys(text: string): Map<string, string> {
  const keys = text.split(",").map((part) => KEY.exec(part.trim()));
  if (keys.length > 2 || keys.includes(null)) {
    throw new Error("OURVIDZ_CALLBACK_KEYS: expected id:secret, or two by a comma, with secrets of at least 32 characters");
  }
  return new Map(keys.map((key) => [key?.[1] ?? "", key?.[2] ?? ""]));
}

/** Throws Refused unless a key signed this body not too long ago. */
export async function checkSignature(headers: Headers, body: Uint8Array, keys: Map<string, string>, now: number): Promise<void> {
  const time = headers.get(CALLBACK_SIGNATURE.timestamp) ?? "";
  const given = headers.get(CALLBACK_SIGNATURE.signature) ?? "";
  if (!/^[0-9]{1,12}$/.test(time) || Math.abs(now / 1000 - Number(time)) > CALLBACK_SIGNATURE.age) {
    throw new Refused(401, "signature_invalid", `expected a time of signing within ${CALLBACK_SIGNATURE.age} s`);
  }
  const start = new TextEncoder().encode(`${time}.`);
  const message = new Uint8Array(start.length + body.length);
  message.set(start);
  message.set(body, start.length);
  for (const one of given.split(",").slice(0, 4)) {
    const [, id, hex] = /^ *([A-Za-z0-9_-]+)=([0-9a-f]{64}) *$/.exec(one) ?? [];
    const secret = id === undefined ? undefined : keys.get(id);
    if (hex !== undefined && secret !== undefined && (await signed(secret, message, hex))) return;
  }
  throw new Refused(401, "signature_invalid", "no key in use has signed this body");
}

/** Compared by WebCrypto, in constant time. */
async function signed(secret: string, message: Uint8Array<ArrayBuffer>, hex: string): Promise<boolean> {
  const raw = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const signature = Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  return await crypto.subtle.verify("HMAC", key, signature, message);
}
