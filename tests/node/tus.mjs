// Resumable uploads as Supabase offers them: what is complete becomes an object of the storage server.
// Arguments: port, folder of the unfinished uploads, address of the storage server, its key.
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [port, folder, storage, key] = process.argv.slice(2);
const headers = { apikey: key, authorization: `Bearer ${key}` };
const PIECE = 6 * 1024 * 1024;

const refusal = (status, code, message) => ({
  status_code: 400,
  body: JSON.stringify({ statusCode: String(status), code, error: code, message }),
});

const objectOf = ({ bucketName, objectName }) => `${storage}/storage/v1/object/${bucketName}/${objectName}`;

const server = new Server({
  path: "/storage/v1/upload/resumable",
  datastore: new FileStore({ directory: folder }),
  relativeLocation: true,
  async onIncomingRequest(request) {
    if (request.headers.get("authorization") !== headers.authorization) {
      throw refusal(403, "AccessDenied", "no access");
    }
    const length = Number(request.headers.get("content-length"));
    if (request.method === "PATCH" && length > PIECE) throw refusal(413, "EntityTooLarge", "a piece is too large");
  },
  async onUploadCreate(request, upload) {
    for (const name of ["bucketName", "objectName", "contentType", "cacheControl"]) {
      if (!upload.metadata?.[name]) throw refusal(400, "MissingParameter", name);
    }
    const found = await fetch(objectOf(upload.metadata), { headers });
    await found.arrayBuffer();
    if (found.ok && request.headers.get("x-upsert") !== "true") {
      throw refusal(409, "KeyAlreadyExists", "The resource already exists");
    }
    return { metadata: upload.metadata };
  },
  async onUploadFinish(request, upload) {
    const body = await readFile(path.join(folder, upload.id));
    const stored = await fetch(objectOf(upload.metadata), {
      method: "POST",
      headers: { ...headers, "content-type": upload.metadata.contentType, "x-upsert": "false" },
      body,
    });
    if (!stored.ok) throw { status_code: 400, body: await stored.text() };
  },
});

http.createServer(server.handle.bind(server)).listen(Number(port), "127.0.0.1");
