"""The request reviewer that is part of every installation and cannot be turned off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.spec.settings import Settings

if TYPE_CHECKING:
    from ourvidz.plugins.policy.reviewer import PolicyReviewer


@hookimpl
def ourvidz_request_reviewers(settings: Settings, root: Path) -> list[PolicyReviewer]:
    # Here, since every command loads this plugin and only workers review.
    from ourvidz.plugins.policy.policy import load_policy
    from ourvidz.plugins.policy.reviewer import PolicyReviewer

    added = settings.review.policy
    return [PolicyReviewer(load_policy(root / added if added else None))]
