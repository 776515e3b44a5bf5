"""All that :class:`ourvidz.jobs.queue.Queue` promises, for a backend to inherit."""

from __future__ import annotations

from tests.conformance.claims import Claiming, Pushing, TakingTurns, Waiting
from tests.conformance.dead_letters import DeadLetters
from tests.conformance.endings import Commands, Ending, WaitingAgain
from tests.conformance.handing_over import HandingOver
from tests.conformance.leases import Leases
from tests.conformance.lookups import Lookups, Trimming
from tests.conformance.outbox import Outbox
from tests.conformance.stops import Stopping


class QueueConformance(
    Pushing,
    Claiming,
    TakingTurns,
    Waiting,
    Leases,
    HandingOver,
    Ending,
    WaitingAgain,
    Commands,
    Lookups,
    Trimming,
    Outbox,
    DeadLetters,
    Stopping,
):
    """Inherit it, and give the ``site`` fixture."""
