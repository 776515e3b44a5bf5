"""Users take turns within a queue and a priority: fair queueing by virtual finish times."""

from __future__ import annotations

import sqlite3

#: One after the user's last, and not before what is handed out now. A step through an index each.
_NEXT = """
SELECT 1 + max(
    coalesce((SELECT turn FROM turns WHERE queue = :queue AND priority = :priority), 0),
    coalesce((SELECT max(turn) FROM jobs WHERE queue = :queue AND priority = :priority
              AND user_id = :user_id AND state = 'queued'), 0))
"""

_NOTE = """
INSERT INTO turns VALUES (:queue, :priority, :turn)
ON CONFLICT (queue, priority) DO UPDATE SET turn = max(turn, excluded.turn)
"""


def next_turn(connection: sqlite3.Connection, *, queue: str, priority: int, user_id: str) -> int:
    """The turn of a job that arrives now. A thousand jobs of one user do not stand before another's one."""
    asked = {"queue": queue, "priority": priority, "user_id": user_id}
    return int(connection.execute(_NEXT, asked).fetchone()[0])


def note(connection: sqlite3.Connection, *, queue: str, priority: int, turn: int) -> None:
    """Remember how far a queue is when a job is handed out."""
    connection.execute(_NOTE, {"queue": queue, "priority": priority, "turn": turn})
