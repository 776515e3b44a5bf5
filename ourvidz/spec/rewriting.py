"""Changes one value of a YAML file and leaves every other character as somebody wrote it."""

from __future__ import annotations

import re
from typing import Any

from ourvidz.errors import OurvidzError
from ourvidz.spec.document import Document
from ourvidz.spec.problems import FieldPath
from ourvidz.spec.strict_yaml import parse_document
from ourvidz.spec.wording import dotted

#: A quantity with its unit, in quotes or not.
_QUANTITY = re.compile(r"""(?P<quote>["']?)[0-9]+(?:\.[0-9]+)? ?[A-Za-z]+(?P=quote)""")


class CannotRewrite(OurvidzError):
    """A value stands in its file in a way that cannot be changed without touching more than it."""

    code = "cannot_rewrite"


def with_quantity(data: bytes, file: str, path: FieldPath, quantity: str) -> bytes:
    """The bytes of a file in which the quantity at ``path`` is another one, such as ``5s``.

    Comments, order, layout and line endings stay. Raises CannotRewrite, also where the file has
    problems, and changes nothing then.
    """
    before = parse_document(data, file)
    line, column = before.value_position(path)
    refusal = CannotRewrite(
        f"{file}:{line}:{column}: {dotted(path)}: found a value that cannot be changed in its place, "
        f"expected a quantity on one line; write {quantity} there yourself"
    )
    if before.problems or path not in before.positions:
        raise refusal
    lines = data.decode().splitlines(keepends=True)
    found = _QUANTITY.match(lines[line - 1], column - 1) if line <= len(lines) else None
    if found is None:
        raise refusal
    lines[line - 1] = lines[line - 1][: found.start()] + quantity + lines[line - 1][found.end() :]
    changed = "".join(lines).encode()
    if not _differ_in(before, parse_document(changed, file), path, quantity):
        raise refusal
    return changed


def _differ_in(before: Document, after: Document, path: FieldPath, quantity: str) -> bool:
    """Whether two files say the same except for one value, which is ``quantity`` now."""
    if after.problems:
        return False
    block: Any = before.content
    for part in path[:-1]:
        block = block[part]
    block[path[-1]] = quantity
    return before.content == after.content
