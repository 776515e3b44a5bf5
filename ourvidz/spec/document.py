"""Strict YAML: one mapping of plain values, every one with its position, all problems at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ourvidz.spec.problems import FieldPath, Problem
from ourvidz.spec.scalars import Trap, read_plain
from ourvidz.spec.wording import dotted, shorten

#: Bytes of a file; a larger one is refused unread.
MAX_SIZE = 2**20

#: Mappings and lists in each other. A spec needs four.
MAX_DEPTH = 12

#: What no editor shows, and the line breaks that editors and YAML count differently.
_UNPRINTABLE = re.compile(
    r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
#: A tab before any comment of its line.
_TAB = re.compile(r"^(?:[^\t\n#]|(?<=\S)#)*\t", re.MULTILINE)

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Place(NamedTuple):
    """A position in a file, counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML file says, and where.

    ``content`` is a mapping of texts to plain values; empty when there is none to speak of.
    ``faults`` has the paths that a problem is about: their values are placeholders.
    """

    file: str
    content: dict[str, Any] = field(default_factory=dict)
    values: dict[FieldPath, Place] = field(default_factory=dict)
    keys: dict[FieldPath, Place] = field(default_factory=dict)
    empty: set[FieldPath] = field(default_factory=set)
    """Keys with nothing after the colon."""
    faults: set[FieldPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def value_place(self, path: FieldPath) -> Place:
        """Where a value stands, or else the nearest thing around it."""
        if path in self.values and path:
            return self.values[path]
        return self.key_place(path[:-1]) if path else START

    def key_place(self, path: FieldPath) -> Place:
        """Where a key stands, or else the nearest thing around it."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, START)

    def problem(
        self, path: FieldPath, code: str, found: str, expected: str, *, place: Place | None = None
    ) -> Problem:
        """A problem with a value, or with what ``place`` says."""
        line, column = place or self.value_place(path)
        return Problem(self.file, line, column, dotted(path), found, expected, code)


def read_document(path: Path) -> Document:
    """Read a file. What is wrong with it stands in the document's ``problems``."""
    file = str(path)
    try:
        if not path.is_file():
            return _refused(file, "not_a_file", "something that is not a file", "a YAML file")
        size = path.stat().st_size
        if size > MAX_SIZE:
            return _refused(file, "file_too_large", f"{size} bytes", f"{MAX_SIZE} bytes at most")
        with path.open("rb") as stream:
            data = stream.read(MAX_SIZE + 1)
    except OSError as error:
        return _refused(file, "unreadable", error.strerror or str(error), "a file that can be read")
    return parse_document(data, file)


def parse_document(data: bytes, file: str) -> Document:
    """Read the bytes of a file. What is wrong with them stands in the document's ``problems``."""
    if len(data) > MAX_SIZE:
        return _refused(file, "file_too_large", f"over {MAX_SIZE} bytes", f"{MAX_SIZE} bytes at most")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return _refused(file, "encoding", "a byte order mark", "UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        found = f"the byte 0x{data[error.start]:02x}"
        return _refused(file, "encoding", found, "UTF-8", place=_place_after(before))
    hidden = _UNPRINTABLE.search(text)
    if hidden:
        found = f"the character U+{ord(hidden[0]):04X}"
        place = _place_after(text[: hidden.start()])
        return _refused(file, "unprintable", found, "text that editors show", place=place)
    tab = _TAB.search(text) if "\t" in text else None
    if tab:
        return _refused(file, "tab", "a tab", "spaces", place=_place_after(text[: tab.end() - 1]))
    document = Document(file=file)
    _Reader(document, text).read()
    return document


def _refused(file: str, code: str, found: str, expected: str, *, place: Place = START) -> Document:
    document = Document(file=file)
    document.problems.append(document.problem((), code, found, expected, place=place))
    return document


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


class _StopReading(Exception):
    """The rest of the file cannot be made sense of."""


class _Reader:
    """Turns a parser's events into a document. Nothing is built before it is checked."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._parser = _Parser(text)

    def read(self) -> None:
        try:
            self._read_stream()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else START
            context = f" {error.context}" if error.context else ""
            found = f"broken YAML: {error.problem}{context}"
            self._report((), "syntax", found, "other indentation or quotes here", place)
        except _StopReading:
            return
        finally:
            self._parser.dispose()

    def _read_stream(self) -> None:
        self._parser.get_event()
        if isinstance(self._parser.get_event(), yaml.StreamEndEvent):
            self._report((), "empty_file", "an empty file", "a mapping of fields", START)
            return
        event = self._parser.get_event()
        if not isinstance(event, yaml.MappingStartEvent):
            is_empty = isinstance(event, yaml.ScalarEvent) and not event.value and not event.style
            code, found = (
                ("empty_file", "an empty file")
                if is_empty
                else (
                    "not_a_mapping",
                    "a list" if isinstance(event, yaml.SequenceStartEvent) else "a single value",
                )
            )
            self._report((), code, found, "a mapping of fields", _place(event))
            return
        self._document.content.update(self._value(event, ()))
        self._parser.get_event()
        event = self._parser.get_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._report((), "several_documents", "a second document", "one in a file", _place(event))

    def _value(self, event: Any, path: FieldPath) -> Any:
        kind = type(event)
        place = _place(event)
        self._document.values[path] = place
        if kind is yaml.AliasEvent:
            self._report(path, "alias", f"the alias *{shorten(event.anchor)}", "the value itself", place)
            return None
        if event.anchor is not None:
            self._report(path, "alias", f"the anchor &{shorten(event.anchor)}", "the value alone", place)
        if event.tag is not None:
            tag = shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._report(path, "tag", f"the tag {tag}", "the value alone", place)
        if kind is yaml.ScalarEvent:
            return self._scalar(event, path, place)
        if len(path) >= MAX_DEPTH:
            self._report(path, "too_deep", f"more than {MAX_DEPTH} levels", "fewer", place)
            raise _StopReading
        return self._mapping(path) if kind is yaml.MappingStartEvent else self._list(path)

    def _scalar(self, event: Any, path: FieldPath, place: Place) -> Any:
        text: str = event.value
        if event.style:
            return text
        if not text:
            self._document.empty.add(path)
            return None
        value = read_plain(text)
        if isinstance(value, Trap):
            self._report(path, "yaml_trap", f"{shorten(text)}, {value.meaning}", value.instead, place)
            return text
        return value

    def _list(self, path: FieldPath) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._parser.get_event(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: FieldPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        keys = self._document.keys
        while not isinstance(event := self._parser.get_event(), yaml.MappingEndEvent):
            key = self._key(event, path)
            inner = (*path, key)
            place = _place(event)
            if key in values:
                found = f"the key {shorten(key)} a second time"
                self._report(
                    inner, "duplicate_key", found, f"it once; first in line {keys[inner].line}", place
                )
                self._value(self._parser.get_event(), inner)
                continue
            keys[inner] = place
            values[key] = self._value(self._parser.get_event(), inner)
        return values

    def _key(self, event: Any, path: FieldPath) -> str:
        place = _place(event)
        if not isinstance(event, yaml.ScalarEvent):
            self._report(path, "key_not_a_text", "a key that is not a text", "a name", place)
            raise _StopReading
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            self._report((*path, text), "alias", "an anchor or a tag at a key", "the key alone", place)
        value = text if event.style else read_plain(text)
        if isinstance(value, Trap):
            found = f"the key {shorten(text)}, {value.meaning}"
            self._report((*path, text), "yaml_trap", found, f'"{shorten(text)}" in quotes', place)
        elif not isinstance(value, str) or not value:
            found = f"the key {shorten(text)}" if text else "a key without a name"
            self._report((*path, text), "key_not_a_text", found, "a name", place)
        return text

    def _report(self, path: FieldPath, code: str, found: str, expected: str, place: Place) -> None:
        self._document.faults.add(path)
        self._document.problems.append(self._document.problem(path, code, found, expected, place=place))


def _place(event: Any) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)
