"""The real compiler and the real runtime, for what is generated in TypeScript."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.servers.node import deno, deno_environment, node_packages

#: Strict, and every file by itself, as bundlers and Deno read it.
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "isolatedModules": True,
    "verbatimModuleSyntax": True,
    "erasableSyntaxOnly": True,
    "target": "es2022",
    "lib": ["es2022"],
    "skipDefaultLibCheck": True,
    "module": "es2022",
    "moduleResolution": "bundler",
    "rewriteRelativeImportExtensions": True,
    "types": [],
    "outDir": "out",
    "rootDir": ".",
}


def compiler() -> Path:
    """The pinned ``tsc``."""
    return node_packages() / ".bin" / "tsc"


def compile_modules(folder: Path, sources: Mapping[str, str]) -> str:
    """Write the sources into ``folder`` and compile all at once to ``out/``; return the complaints."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    (folder / "package.json").write_text('{"type": "module"}')
    project = {"compilerOptions": OPTIONS, "files": list(sources)}
    (folder / "tsconfig.json").write_text(json.dumps(project))
    return subprocess.run([compiler(), "-p", folder], check=False, capture_output=True, text=True).stdout


def check_with_deno(folder: Path, names: Iterable[str]) -> str:
    """Type-check files of a folder with ``deno check``; return the complaints."""
    command = [str(deno()), "check", "--no-config", "--quiet", *names]
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, env=deno_environment(folder)
    )
    return done.stderr if done.returncode else ""


def evaluate(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Import compiled modules in node; return what each of them exports, by module and name."""
    script = """
        const exported = {};
        for (const name of process.argv.slice(1)) exported[name] = await import(`./out/${name}.js`);
        console.log(JSON.stringify(exported));
    """
    node = ["node", "--input-type=module", "--eval", script, *names]
    printed = subprocess.run(node, cwd=folder, check=True, capture_output=True, text=True).stdout
    exported: dict[str, dict[str, Any]] = json.loads(printed)
    return exported
