"""Strict YAML: a file becomes a document, or what is wrong with it. Nothing is built before it is checked."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from ourvidz.spec.document import START, Document, Position
from ourvidz.spec.problems import FieldPath
from ourvidz.spec.scalars import Trap, read_plain
from ourvidz.spec.wording import shorten

#: Bytes of a file; a larger one is refused unread.
MAX_SIZE = 2**20
_SIZE = f"{MAX_SIZE} bytes at most"

#: What no editor shows, and the line breaks that editors and YAML count differently.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
#: A tab before any comment of its line.
_TAB = re.compile(r"^(?:[^\t\n#]|(?<=\S)#)*\t", re.MULTILINE)

#: Mappings and lists in each other. A spec needs four.
MAX_DEPTH = 12

#: libyaml's parser where PyYAML has it, which is ten times as fast.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(path: Path) -> Document:
    """Read a file. What is wrong with it stands in the document's ``problems``."""
    file = str(path)
    try:
        # A pipe would keep a blocking reader waiting for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return _refused(file, "not_a_file", "something that is not a file", "a YAML file")
            if status.st_size > MAX_SIZE:
                return _refused(file, "file_too_large", f"{status.st_size} bytes", _SIZE)
            data = os.read(descriptor, MAX_SIZE + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _refused(file, "unreadable", error.strerror or str(error), "a file that can be read")
    return parse_document(data, file)


def parse_document(data: bytes, file: str) -> Document:
    """Read the bytes of a file. What is wrong with them stands in the document's ``problems``."""
    if len(data) > MAX_SIZE:
        return _refused(file, "file_too_large", f"{len(data)} bytes", _SIZE)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return _refused(file, "encoding", "a byte order mark", "UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        found = f"the byte 0x{data[error.start]:02x}"
        return _refused(file, "encoding", found, "UTF-8", position=_position_after(before))
    hidden = _UNPRINTABLE.search(text)
    if hidden:
        found = f"the character U+{ord(hidden[0]):04X}"
        position = _position_after(text[: hidden.start()])
        return _refused(file, "unprintable", found, "text that editors show", position=position)
    tab = _TAB.search(text) if "\t" in text else None
    if tab:
        return _refused(file, "tab", "a tab", "spaces", position=_position_after(text[: tab.end() - 1]))
    document = Document(file=file)
    _Reader(document, text).read()
    return document


def _refused(file: str, code: str, found: str, expected: str, *, position: Position = START) -> Document:
    document = Document(file=file)
    document.problems.append(document.problem((), code, found, expected, position=position))
    return document


def _position_after(text: str) -> Position:
    return (text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


class _StopReading(Exception):
    """The rest of the file cannot be made sense of."""


class _Reader:
    """Turns a parser's events into a document. Nothing is built before it is checked."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._parser = _Parser(text)
        self._next = self._parser.get_event

    def read(self) -> None:
        try:
            self._read_stream()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = (mark.line + 1, mark.column + 1) if mark else START
            context = f" {error.context}" if error.context else ""
            found = f"broken YAML: {error.problem}{context}"
            self._report((), "syntax", found, "other indentation or quotes here", position)
        except _StopReading:
            return
        finally:
            self._parser.dispose()

    def _read_stream(self) -> None:
        self._next()
        if type(self._next()) is yaml.StreamEndEvent:
            self._report((), "empty_file", "an empty file", "a mapping of fields", START)
            return
        event = self._next()
        if type(event) is not yaml.MappingStartEvent:
            is_empty = type(event) is yaml.ScalarEvent and not event.value and not event.style
            code = "empty_file" if is_empty else "not_a_mapping"
            found = "a list" if type(event) is yaml.SequenceStartEvent else "a single value"
            found = "an empty file" if is_empty else found
            self._report((), code, found, "a mapping of fields", _position(event))
            return
        self._document.content.update(self._value(event, ()))
        self._next()
        event = self._next()
        if type(event) is not yaml.StreamEndEvent:
            self._report((), "several_documents", "a second document", "one in a file", _position(event))

    def _value(self, event: Any, path: FieldPath) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent:
            found = f"the alias *{shorten(event.anchor)}"
            self._report(path, "alias", found, "the value itself", _position(event))
            return None
        if event.anchor is not None:
            found = f"the anchor &{shorten(event.anchor)}"
            self._report(path, "alias", found, "the value alone", _position(event))
        if event.tag is not None:
            found = "the tag " + shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._report(path, "tag", found, "the value alone", _position(event))
        if kind is yaml.ScalarEvent:
            return self._scalar(event, path)
        if len(path) >= MAX_DEPTH:
            self._report(path, "too_deep", f"more than {MAX_DEPTH} levels", "fewer", _position(event))
            raise _StopReading
        return self._mapping(path) if kind is yaml.MappingStartEvent else self._list(path)

    def _scalar(self, event: Any, path: FieldPath) -> Any:
        text: str = event.value
        if event.style:
            return text
        if not text:
            self._document.empty.add(path)
            return None
        value = read_plain(text)
        if type(value) is Trap:
            found = f"{shorten(text)}, {value.meaning}"
            self._report(path, "yaml_trap", found, value.instead, _position(event))
            return text
        return value

    def _list(self, path: FieldPath) -> list[Any]:
        values: list[Any] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            inner = (*path, len(values))
            position = _position(event)
            self._document.positions[inner] = (*position, *position)
            values.append(self._value(event, inner))
        return values

    def _mapping(self, path: FieldPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        positions = self._document.positions
        while type(key_event := self._next()) is not yaml.MappingEndEvent:
            key = self._key(key_event, path)
            inner = (*path, key)
            event = self._next()
            if key in values:
                found, first = f"the key {shorten(key)} a second time", positions[inner][0]
                expected = f"it once; first in line {first}"
                self._report(inner, "duplicate_key", found, expected, _position(key_event))
                self._value(event, inner)
                continue
            at, value_at = key_event.start_mark, event.start_mark
            positions[inner] = (at.line + 1, at.column + 1, value_at.line + 1, value_at.column + 1)
            values[key] = self._value(event, inner)
        return values

    def _key(self, event: Any, path: FieldPath) -> str:
        if type(event) is not yaml.ScalarEvent:
            self._report(path, "key_not_a_text", "a key that is not a text", "a name", _position(event))
            raise _StopReading
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            found = "an anchor or a tag at a key"
            self._report((*path, text), "alias", found, "the key alone", _position(event))
        value = text if event.style else read_plain(text)
        if type(value) is Trap:
            found = f"the key {shorten(text)}, {value.meaning}"
            self._report((*path, text), "yaml_trap", found, f'"{shorten(text)}" in quotes', _position(event))
        elif type(value) is not str or not value:
            found = f"the key {shorten(text)}" if text else "a key without a name"
            self._report((*path, text), "key_not_a_text", found, "a name", _position(event))
        return text

    def _report(self, path: FieldPath, code: str, found: str, expected: str, position: Position) -> None:
        self._document.faults.add(path)
        self._document.problems.append(self._document.problem(path, code, found, expected, position=position))


def _position(event: Any) -> Position:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
