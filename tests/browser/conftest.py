"""A real browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

#: Names that Chromium goes by.
NAMES = ("chromium", "chromium-browser", "google-chrome")

#: No window, no sandbox since tests may run as root in a container, nothing that leaves this machine, and
#: muted videos start by themselves whatever the browser thinks of the page.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)

Visit = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    """Opens an address in a browser with a profile of its own; it is closed when the test ends."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        pytest.fail(f"no browser: none of {', '.join(NAMES)} is installed; on Debian: apt install chromium")
    browsers: list[subprocess.Popen[bytes]] = []

    def visit(address: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "browser.log").open("wb") as log:
            browser = subprocess.Popen(
                [found[0], *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its processes are a group, so that all of them can be ended.
                start_new_session=True,
            )
        browsers.append(browser)
        return browser

    yield visit
    for browser in browsers:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
