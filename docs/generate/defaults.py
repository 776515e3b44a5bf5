"""Tables of the queues and buckets that need no entry in ``ourvidz.yaml``."""

from __future__ import annotations

from ourvidz.spec.defaults import BUCKETS, QUEUES
from ourvidz.spec.units import format_bytes, format_seconds

from .tables import code, table


def parts() -> dict[str, str]:
    queues = [
        (code(name), one.purpose, format_seconds(one.polling_interval), code(one.replaces or ""))
        for name, one in QUEUES.items()
    ]
    buckets = [
        (
            code(name),
            one.purpose,
            ", ".join(one.file_types),
            format_bytes(one.max_size) if one.max_size else "",
        )
        for name, one in BUCKETS.items()
    ]
    return {
        "queues": table(("queue", "purpose", "polling_interval", "replaces"), queues),
        "buckets": table(("bucket", "purpose", "file_types", "max_size"), buckets),
    }
