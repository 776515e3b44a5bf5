"""How a worker ends with the process that started it, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from ourvidz.errors import NotReady

#: From linux/prctl.h.
_PR_SET_PDEATHSIG = 1


class ParentGone(NotReady):
    """The process that a worker was told to end with is not its parent, or not any more."""

    code = "parent_gone"


class NotOnLinux(NotReady):
    """Only Linux ends a process with its parent."""

    code = "not_on_linux"


def need_linux() -> None:
    """Raises NotOnLinux elsewhere."""
    if sys.platform != "linux":
        raise NotOnLinux(
            f"found {sys.platform}, expected linux, whose kernel ends workers with the process that started "
            "them; run each with ourvidz run-worker --plugin NAME"
        )


def end_with_parent(pid: int) -> None:
    """Let the kernel kill this process as soon as its parent ends, hung or stopped as it may be.

    A job that it was making goes back to its queue when the lease has run out. Raises ParentGone if the
    parent is another process than ``pid``, which it is if that one has ended before, and NotOnLinux.
    """
    need_linux()
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.getppid() != pid:
        raise ParentGone(
            f"--with-parent {pid}: found {os.getppid()} as the parent process, expected {pid}; either that "
            "one has ended, or something stands between the two, such as a script that does not exec"
        )
