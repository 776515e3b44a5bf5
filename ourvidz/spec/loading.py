"""Reads a folder of job types and ``ourvidz.yaml``, each file on its own, with all their problems."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ourvidz.spec.document import Document, Position
from ourvidz.spec.identifiers import IDENTIFIER_RULE, check_identifier
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import FieldPath, Problem
from ourvidz.spec.settings import Settings
from ourvidz.spec.strict_yaml import read_document
from ourvidz.spec.validation import validate
from ourvidz.spec.wording import shorten, show

#: A mapping with one of these keys is a job type's block.
_REQUIRED = frozenset(name for name, field in JobType.model_fields.items() if field.is_required()) - {"id"}

#: Stands for an id with a problem of its own while the rest of its job type is checked.
_PLACEHOLDER = "unnamed"

#: Name, size, inode and time of change of a file: equal stamps mean equal contents.
Stamp = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A job type where its file declares it. ``job_type`` is None if the block has problems."""

    id: str
    document: Document
    path: FieldPath = ()
    job_type: JobType | None = None

    @property
    def position(self) -> Position:
        return self.document.key_position(self.path)

    @property
    def where(self) -> str:
        """The position as editors and terminals take it."""
        line, column = self.position
        return f"{self.document.file}:{line}:{column}"

    def text(self, field: str) -> str | None:
        """What the file says for a field, if that is a text and nothing is wrong with it."""
        block: Any = self.document.content
        for part in self.path:
            block = block[part]
        path = (*self.path, field)
        value = block.get(field) if isinstance(block, dict) and path not in self.document.faults else None
        return value if isinstance(value, str) else None

    def problem(self, field: FieldPath, code: str, found: str, expected: str) -> Problem:
        """A problem with a field of this job type."""
        return self.document.problem((*self.path, *field), code, found, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFile:
    """One file of the folder, read."""

    stamp: Stamp
    declarations: tuple[Declaration, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """``ourvidz.yaml``, read. With problems, or without a file, ``settings`` are the defaults."""

    stamp: Stamp | None = None
    document: Document = field(default_factory=lambda: Document(file="ourvidz.yaml"))
    settings: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that was read; :func:`ourvidz.spec.checks.build_catalog` makes a catalog of it."""

    folder: Path
    files: Mapping[str, SpecFile]
    settings_file: SettingsFile
    unreadable: Problem | None = None
    """Why the folder could not be listed; then there are no files."""

    @property
    def settings(self) -> Settings:
        return self.settings_file.settings

    @property
    def declarations(self) -> Iterator[Declaration]:
        """All job types by file name, also those with problems."""
        return (one for file in self.files.values() for one in file.declarations)

    @property
    def problems(self) -> Iterator[Problem]:
        """What is wrong with the folder, and with the files one by one."""
        if self.unreadable:
            yield self.unreadable
        yield from self.settings_file.problems
        for file in self.files.values():
            yield from file.problems


def read_sources(folder: Path, settings_file: Path | None, known: Sources | None = None) -> Sources:
    """Read all job types of a folder, and the settings if there is a file for them.

    Files that have not changed since ``known`` was read are taken from there; ``known`` itself comes
    back when nothing has.
    """
    before = known.files if known and known.folder == folder else {}
    names, unreadable = _list(folder)
    files = {name: _read_unless_known(folder / name, before) for name in names}
    settings = known.settings_file if known else SettingsFile()
    if settings.stamp != (_stamp(settings_file) if settings_file else None):
        settings = read_settings(settings_file)
    sources = Sources(folder=folder, files=files, settings_file=settings, unreadable=unreadable)
    return known if known and _same(sources, known) else sources


def read_settings(path: Path | None) -> SettingsFile:
    """Read ``ourvidz.yaml``; None means that there is none. An empty file sets nothing."""
    if path is None:
        return SettingsFile()
    stamp, document = _stamp(path), read_document(path)
    problems = [one for one in document.problems if one.code != "empty_file"]
    if problems and not document.content:
        return SettingsFile(stamp=stamp, document=document, problems=tuple(problems))
    settings, further = validate(Settings, document)
    problems += further
    if settings is None or problems:
        return SettingsFile(stamp=stamp, document=document, problems=tuple(problems))
    return SettingsFile(stamp=stamp, document=document, settings=settings)


def _same(new: Sources, old: Sources) -> bool:
    """Whether nothing was read again."""
    return (
        (new.folder, new.unreadable) == (old.folder, old.unreadable)
        and new.settings_file is old.settings_file
        and new.files.keys() == old.files.keys()
        and all(file is old.files[name] for name, file in new.files.items())
    )


def _list(folder: Path) -> tuple[list[str], Problem | None]:
    """Names of files that are or look like YAML, or why there are none. Hidden ones are editors' business."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        found = error.strerror or str(error)
        return [], Problem(str(folder), 1, 1, "", found, "a folder that can be read", "unreadable")
    return [one for one in names if not one.startswith(".") and one.lower().endswith((".yaml", ".yml"))], None


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return (str(path), -1, -1, -1)
    return (str(path), status.st_size, status.st_ino, status.st_mtime_ns)


def _read_unless_known(path: Path, before: Mapping[str, SpecFile]) -> SpecFile:
    old, stamp = before.get(path.name), _stamp(path)
    return old if old and old.stamp == stamp else _read_spec_file(path, stamp)


def _read_spec_file(path: Path, stamp: Stamp) -> SpecFile:
    if path.suffix != ".yaml":
        document = Document(file=str(path))
        ending = document.problem((), "file_ending", f"the ending {path.suffix}", ".yaml")
        return SpecFile(stamp=stamp, problems=(ending,))
    document = read_document(path)
    problems = list(document.problems)
    if not document.content:
        return SpecFile(stamp=stamp, problems=tuple(problems))
    declarations = []
    for name, block in _blocks(document, path.stem):
        declaration, further = _declare(document, name, block)
        declarations.append(declaration)
        problems += further
    if len(declarations) == 1:
        problems += _check_file_name(declarations[0], path.stem)
    return SpecFile(stamp=stamp, declarations=tuple(declarations), problems=tuple(problems))


def _blocks(document: Document, stem: str) -> list[tuple[str, tuple[str, ...]]]:
    """The ids and paths of a file's job types.

    A file is one job type, or a mapping of ids to job types, which is the plan's form.
    """
    content = document.content
    is_mapping_of_blocks = any(
        isinstance(value, dict) and not _REQUIRED.isdisjoint(value) and key not in JobType.model_fields
        for key, value in content.items()
    )
    return [(key, (key,)) for key in content] if is_mapping_of_blocks else [(stem, ())]


def _declare(document: Document, id: str, path: tuple[str, ...]) -> tuple[Declaration, list[Problem]]:
    block: Any = document.content[path[0]] if path else document.content
    undeclared = Declaration(id=id, document=document, path=path)
    if not isinstance(block, dict):
        is_known = path in document.faults
        found = "nothing" if path in document.empty else "a value"
        problem = document.problem(path, "not_a_mapping", found, "the fields of a job type")
        return undeclared, [] if is_known else [problem]
    problems = list(_check_id(document, id, path, block))
    job_type, further = validate(JobType, document, path, {"id": _PLACEHOLDER if problems else id})
    if problems or job_type is None:
        return undeclared, [*problems, *further]
    return Declaration(id=id, document=document, path=path, job_type=job_type), []


def _check_id(document: Document, id: str, path: FieldPath, block: dict[str, Any]) -> Iterator[Problem]:
    """The id is the block's key or the file's name; the block may repeat it."""
    try:
        check_identifier(id)
    except ValueError:
        found = shorten(id) if path else f"the file's name {shorten(id)}"
        yield document.problem(
            path or ("id",), "bad_name", found, IDENTIFIER_RULE, position=document.key_position(path)
        )
        return
    if "id" in block and block["id"] != id:
        expected = f"{id}, which is the {'key of the block' if path else 'name of the file'}"
        yield document.problem((*path, "id"), "id_mismatch", show(block["id"]), expected)


def _check_file_name(only: Declaration, stem: str) -> Iterator[Problem]:
    if only.path and only.id != stem:
        found = f"a single job type of this name in {shorten(stem)}.yaml"
        expected = "the file's name; a file of two or more may have any"
        yield only.document.problem(only.path, "id_mismatch", found, expected, position=only.position)
