"""The embedded queue: ``sqlite:data/queue.sqlite3``."""

from ourvidz.runtime.queue.sqlite.file_errors import QueueFileInvalid
from ourvidz.runtime.queue.sqlite.queue import SqliteQueue

__all__ = ["QueueFileInvalid", "SqliteQueue"]
