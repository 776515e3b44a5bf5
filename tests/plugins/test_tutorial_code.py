"""The code that the tutorial shows is the code that runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_excerpt_stands_in_the_plugin_word_for_word() -> None:
    tutorial = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    plugin = (ROOT / "plugins/placeholder/__init__.py").read_text(encoding="utf-8")
    # Blocks that begin with a path are files for the reader to write.
    excerpts = [block for block in _PYTHON.findall(tutorial) if not block.startswith("# ")]
    assert len(excerpts) == 4
    assert [excerpt for excerpt in excerpts if excerpt not in plugin] == []
