"""The tables of a queue file, and the check that a file is one that this code can use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ourvidz.runtime.queue.sqlite.file_errors import QueueFileInvalid

#: Marks the file as ours, in its header: ``ovzq``.
APPLICATION_ID = 0x6F767A71

#: Raised whenever the tables change; a file of a higher version is refused.
SCHEMA_VERSION = 3

#: ``place`` is a job's place in the order of arrival, ``turn`` its user's turn in its queue and
#: priority, of which ``turns`` has the highest that was handed out. ``due`` is the moment at which the
#: clock next matters to a job: the end of its lease while it is processed, the start of a delayed retry
#: while it waits. ``span`` is how many seconds ahead ``due`` was set; one that lies further ahead than
#: that was set before the clock was put back. ``settled`` is the verb that ended the newest claim.
TABLES = """
CREATE TABLE jobs (
    place INTEGER PRIMARY KEY,
    turn INTEGER NOT NULL,
    job_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    pushed_queue TEXT NOT NULL,
    pushed_type TEXT NOT NULL,
    queue TEXT NOT NULL,
    job_type TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    settled TEXT,
    worker TEXT,
    nonce TEXT,
    due REAL,
    span REAL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    submitted_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    progress TEXT,
    result TEXT,
    error TEXT,
    metadata TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX jobs_ready ON jobs (queue, job_type, priority DESC, turn, place)
    WHERE state = 'queued' AND due IS NULL;
CREATE INDEX jobs_of_user ON jobs (queue, priority, user_id, turn) WHERE state = 'queued';
CREATE INDEX jobs_due ON jobs (due, span, nonce) WHERE due IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (state, job_type, finished_at, started_at)
    WHERE finished_at IS NOT NULL;

CREATE TABLE turns (
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (queue, priority)
) STRICT, WITHOUT ROWID;

CREATE TABLE queues (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    job_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    span REAL NOT NULL DEFAULT 0,
    reason TEXT,
    body BLOB NOT NULL,
    PRIMARY KEY (job_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due, span);

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    job_id TEXT,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at REAL NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX dead_letters_age ON dead_letters (at);

CREATE TABLE stops (
    job_type TEXT NOT NULL,
    worker TEXT NOT NULL,
    failures INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (job_type, worker)
) STRICT, WITHOUT ROWID;
"""


def check_or_create(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file. Raises QueueFileInvalid for a file that is not ours."""
    # One read transaction: while somebody else creates the tables, half of the answers would be old.
    connection.execute("BEGIN")
    try:
        is_ours = _is_ours(connection, path)
    finally:
        connection.rollback()
    if is_ours:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_ours(connection, path):
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are there; False for an empty file."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID and version == SCHEMA_VERSION:
        return True
    if application == APPLICATION_ID:
        raise QueueFileInvalid(
            f"{path}: found a queue of schema version {version}, expected {SCHEMA_VERSION}; "
            "it was written by another version of ourvidz: use that one, or another file"
        )
    if application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise QueueFileInvalid(
            f"{path}: found a database of another program, expected a queue of ourvidz or a new file"
        )
    return False
