"""A signing endpoint as an edge function will be one: it holds the key, and knows who holds which job."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from pydantic import ValidationError

from ourvidz.jobs.callback import SIGNATURE_AGE, TIMESTAMP_HEADER
from ourvidz.jobs.signing import DownloadRequest, SignedUrl, UploadRequest, read_signing_request
from ourvidz.jobs.states import Failure
from ourvidz.jobs.storage import ObjectKey, ResultName
from ourvidz.runtime.callback.signing import Key, signatures
from tests.servers.supabase import Supabase

#: What the storage server's refusals are called here.
_CODES = {"404": "object_not_found", "409": "object_exists"}


class _Denied(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.failure = Failure(code=code, message=message)


@dataclass(slots=True)
class SigningEndpoint:
    """A running endpoint. ``claims`` has the newest token of every job that is being made."""

    supabase: Supabase
    storage_url: str
    """Where the URLs lead that it gives: the server, or a front of it."""
    key: Key
    """What workers sign by."""
    claims: dict[str, int] = field(default_factory=dict)
    any_claim: bool = False
    """Whether the token of every claim counts, where a test cannot know it beforehand."""
    asked: list[UploadRequest | DownloadRequest] = field(default_factory=list)
    url: str = ""

    def sign(self, headers: Message, body: bytes) -> SignedUrl:
        """Raises _Denied."""
        moment = int(headers.get(TIMESTAMP_HEADER, "0"))
        proof = signatures((self.key,), moment, body)
        is_right = all(hmac.compare_digest(headers.get(name, ""), text) for name, text in proof.items())
        if not is_right or abs(time.time() - moment) > SIGNATURE_AGE:
            raise _Denied(401, "storage_refused", "no key in use has signed this body")
        try:
            request = read_signing_request(body)
        except ValidationError as error:
            raise _Denied(400, "request_invalid", f"{error.error_count()} fields are wrong") from None
        self.asked.append(request)
        if isinstance(request, DownloadRequest):
            return self._signed(f"object/sign/{request.key}", {"expiresIn": 60})
        name = ResultName.of(ObjectKey.parse(request.key))
        if name is None or (name.job_id, name.claim) != (request.job_id, request.token):
            raise _Denied(403, "storage_refused", "this claim may not store that")
        if not self.any_claim and self.claims.get(request.job_id) != request.token:
            raise _Denied(409, "lease_lost", "another worker holds this job")
        return self._signed(f"object/upload/sign/{request.key}", {})

    def _signed(self, path: str, body: dict[str, int]) -> SignedUrl:
        base = f"{self.supabase.url}/storage/v1/"
        with httpx.Client(
            base_url=base, headers=self.supabase.headers, trust_env=False, verify=False
        ) as client:
            answer = client.post(path, json=body)
        fields = answer.json()
        if not answer.is_success:
            code = _CODES.get(fields["statusCode"], "storage_refused")
            raise _Denied(answer.status_code, code, fields["message"])
        # The hosted server calls them url and signedURL, and lets them begin below /storage/v1.
        return SignedUrl(url=f"{self.storage_url}{fields['signedUrl']}")


@contextmanager
def signing_endpoint(
    server: Supabase, key: Key, *, storage_url: str | None = None
) -> Iterator[SigningEndpoint]:
    """Run an endpoint on a free port until the block ends."""
    endpoint = SigningEndpoint(server, storage_url or server.url, key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                signed = endpoint.sign(self.headers, body)
                status, answer = 200, signed.model_dump_json().encode()
            except _Denied as denied:
                status, answer = denied.status, denied.failure.model_dump_json().encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{http.server_port}/functions/v1/storage-urls"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
