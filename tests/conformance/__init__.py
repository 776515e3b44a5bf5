"""What every backend of a seam, and every model family, has to do, as tests that it inherits.

A backend's author writes one class per seam and gives one fixture, ``site``: the place where the
data lies. The suite opens it as often as it needs, also from a second process, and lets time pass
on it. For a queue::

    class RedisSite:
        def __init__(self, url: str) -> None:
            self.opener = partial(open_redis_queue, url)

        def open(self) -> Queue:
            return self.opener()

        def pass_time(self, seconds: float) -> None:
            move_the_clock_of(self.url, seconds)


    class TestRedisQueue(QueueConformance):
        @pytest.fixture
        def site(self, redis_url: str) -> QueueSite:
            return RedisSite(redis_url)

`tests/runtime` does the same for the embedded backends. A model family gives its ``case``, as
`tests/plugins/test_placeholder.py` does.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.conformance.{name}"
        for name in (
            "claims",
            "leases",
            "endings",
            "lookups",
            "outbox",
            "dead_letters",
            "stops",
            "storage",
            "callback",
            "family",
        )
    )
)
