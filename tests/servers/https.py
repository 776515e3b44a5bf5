"""A small HTTPS server with a certificate of its own, for a name that only the test resolves."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: What the certificate is for.
NAME = "pictures.example"


@dataclass(slots=True)
class HttpsServer:
    """A running server. ``answer`` writes what it says to every request."""

    port: int
    certificate: Path
    answer: Callable[[BaseHTTPRequestHandler], None]
    paths: list[str] = field(default_factory=list)
    """What was asked for."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/photo.png?token=secret"

    def trust(self) -> ssl.SSLContext:
        """Trusts this server's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))


def with_body(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer with these bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


@contextmanager
def https_server(folder: Path) -> Iterator[HttpsServer]:
    """Run a server on a free port until the block ends; ``folder`` takes key and certificate."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "1"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", "-x509", *made, *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            server.paths.append(self.path)
            try:
                server.answer(self)
            except OSError:
                # Whoever asked has gone.
                self.close_connection = True

    http = _Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    server = HttpsServer(http.server_port, certificate, with_body(b""))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that do not trust the server break off."""
