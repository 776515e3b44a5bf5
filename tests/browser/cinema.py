"""A page with a video, and a server that shows it but keeps back the second half of the file."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

#: Tells the server what happens, in order: that it plays, that it waits for data in vain, that it cannot be
#: played. With every report comes what the player knows, and the pixel in the middle of what it shows.
#: It plays as when somebody presses the button; `autoplay` would wait until the browser guesses that it
#: can play to the end without a pause.
PAGE = b"""<!doctype html>
<title>A video</title>
<video src="/video.mp4" muted playsinline></video>
<script>
  const video = document.querySelector("video");
  const pixel = () => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    if (!canvas.width) return null;
    const paint = canvas.getContext("2d");
    paint.drawImage(video, 0, 0);
    return [...paint.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
  };
  const report = (happened) => fetch("/report", { method: "POST", body: JSON.stringify({
    happened, time: video.currentTime, duration: video.duration || null, pixel: pixel(),
    width: video.videoWidth, height: video.videoHeight, error: video.error && video.error.message,
  }) });
  const once = (name, when = () => true) => {
    const listen = () => { if (when()) { video.removeEventListener(name, listen); report(name); } };
    video.addEventListener(name, listen);
  };
  once("timeupdate", () => video.currentTime > 0);
  once("stalled");
  once("error");
  once("ended");
  video.play();
</script>
"""


class Cinema:
    """A server on this machine. ``released`` lets the second half of the video go."""

    def __init__(self, video: bytes) -> None:
        self.video = video
        self.released = threading.Event()
        self.reports: Queue[dict[str, Any]] = Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    @contextmanager
    def open(self) -> Iterator[Cinema]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def next_report(self, *, patient: bool = False, seconds: float = 120.0) -> dict[str, Any]:
        """Wait for what the page says next; raises queue.Empty if it says nothing for so long.

        ``patient``: that the browser waits for data is not what is waited for.
        """
        while True:
            report = self.reports.get(timeout=seconds)
            if not patient or report["happened"] != "stalled":
                return report


def _handler(cinema: Cinema) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(PAGE, "text/html")
            elif self.path == "/video.mp4":
                self._show()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            cinema.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"", "text/plain")

        def _show(self) -> None:
            """Send what is asked for, as far as it is in the first half; the rest when it is released."""
            start, end = self._range()
            half = len(cinema.video) // 2
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(cinema.video)}")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            try:
                if start < half:
                    self.wfile.write(cinema.video[start : min(end, half)])
                if end > half:
                    cinema.released.wait()
                    self.wfile.write(cinema.video[max(start, half) : end])
            except ConnectionError:
                # The browser has what it wants, or asks for another part instead.
                self.close_connection = True

        def _range(self) -> tuple[int, int]:
            """First byte, and last byte plus one, that are asked for."""
            size = len(cinema.video)
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
            assert asked is not None
            return int(asked[1]), min(size, int(asked[2]) + 1) if asked[2] else size

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nobody reads it."""

    return Handler
