"""The frontend's client compiles, and works against the running functions.

Realtime is a stand-in here: a socket inside ``frontend.ts`` that speaks the realtime server's protocol.
Everything else is real.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path

from PIL import Image

from tests.functions.deployment import FUNCTIONS, Deployment
from tests.servers.node import NODE_FOLDER, deno, deno_environment, node_packages
from tests.servers.supabase import PUBLIC_KEY
from tests.site import REPOSITORY

#: As strict as tsc gets, in a browser.
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "isolatedModules": True,
    "verbatimModuleSyntax": True,
    "target": "es2022",
    "lib": ["es2022", "dom", "dom.iterable"],
    "module": "es2022",
    "moduleResolution": "bundler",
    "allowImportingTsExtensions": True,
    "skipLibCheck": True,
    "noEmit": True,
    "types": [],
}


def test_functions_and_client_are_what_deno_takes(deployed: Deployment) -> None:
    names = [f"supabase/functions/{name}/index.ts" for name in FUNCTIONS]
    command: list[str | Path] = [
        deno(),
        "check",
        "--quiet",
        *names,
        "supabase/client/ourvidz.ts",
        "frontend.ts",
    ]
    shutil.copy(REPOSITORY / "tests" / "functions" / "frontend.ts", deployed.folder)
    done = subprocess.run(
        command,
        cwd=deployed.folder,
        env=deno_environment(NODE_FOLDER / "node_modules"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_client_is_what_a_bundler_takes(deployed: Deployment) -> None:
    project = {"compilerOptions": OPTIONS, "files": ["supabase/client/ourvidz.ts"]}
    (deployed.folder / "tsconfig.json").write_text(json.dumps(project))
    command: list[str | Path] = [node_packages() / ".bin" / "tsc", "-p", deployed.folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == ""


def test_a_frontend_submits_watches_cancels_and_fetches(deployed: Deployment) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    settings = {
        "url": deployed.platform.url,
        "key": PUBLIC_KEY,
        "functions": dict(deployed.urls),
        "picture": base64.b64encode(picture.getvalue()).decode(),
    }
    shutil.copy(REPOSITORY / "tests" / "functions" / "frontend.ts", deployed.folder)
    done = subprocess.run(
        [deno(), "run", "--no-check", "--allow-net", "--allow-env", "--quiet", "frontend.ts"],
        cwd=deployed.folder,
        env=deno_environment(NODE_FOLDER / "node_modules") | {"FRONTEND": json.dumps(settings)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "refused": ["request_invalid", "prompt"],
        "cancelled": "cancelled",
        "ended": "cancelled",
        "polled": ["queued", "cancelled"],
        "realtime": ["completed", ["queued", "processing", "completed"]],
        "joined only": "cancelled",
        "told an error": "cancelled",
        "dropped": "cancelled",
        "repainted": "queued",
        "downloaded": True,
    }
