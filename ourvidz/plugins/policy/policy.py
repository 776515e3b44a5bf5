"""The policy: categories of terms, from the built-in file and from the deployment's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from ourvidz.errors import NotReady
from ourvidz.plugins.policy.readings import words_of
from ourvidz.spec.identifiers import Identifier
from ourvidz.spec.job_type import Frozen, as_tuple
from ourvidz.spec.strict_yaml import read_document
from ourvidz.spec.validation import validate

BUILT_IN = Path(__file__).with_name("policy.yaml")

#: The category that ages below 18 belong to.
MINOR = "minor"


class PolicyInvalid(NotReady):
    """A policy file that cannot be used; no worker starts with it."""

    code = "policy_invalid"


class CategoryEntry(Frozen):
    """One category of a policy file."""

    reason: str | None = Field(default=None, min_length=1, max_length=500)
    terms: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()


class PolicyFile(Frozen):
    """A policy file."""

    categories: dict[Identifier, CategoryEntry]


@dataclass(frozen=True, slots=True)
class Policy:
    """What is refused. Every mapping goes from a category to what belongs to it."""

    reasons: Mapping[str, str]
    terms: Mapping[str, frozenset[tuple[str, ...]]]
    """Terms as the words that :mod:`ourvidz.plugins.policy.readings` finds in a text."""


def load_policy(added: Path | None) -> Policy:
    """The built-in policy, with the categories and terms of another file added. Raises PolicyInvalid."""
    files = [BUILT_IN, *([added] if added else [])]
    reasons: dict[str, str] = {}
    terms: dict[str, frozenset[tuple[str, ...]]] = {}
    for file in files:
        for name, entry in _read(file).categories.items():
            # The first reason stays: a deployment adds to a category, it does not rewrite it.
            reasons.setdefault(name, entry.reason or f"It mentions what this platform refuses ({name}).")
            terms[name] = terms.get(name, frozenset()) | _forms(file, name, entry.terms)
    return Policy(reasons, terms)


def _read(file: Path) -> PolicyFile:
    if not file.exists():
        raise PolicyInvalid(f"the policy {file} does not exist; write it, or take review.policy out")
    document = read_document(file)
    policy, problems = validate(PolicyFile, document)
    if policy is None:
        found = "; ".join(map(str, sorted(document.problems or problems)))
        raise PolicyInvalid(f"the policy cannot be used: {found}")
    return policy


def _forms(file: Path, category: str, terms: Iterable[str]) -> frozenset[tuple[str, ...]]:
    forms = set()
    for term in terms:
        words = tuple(words_of(term))
        if not words:
            raise PolicyInvalid(
                f"{file}: {category}: the term {term!r} has no letter, nothing would match it"
            )
        forms |= {words, (*words[:-1], words[-1] + "s")}
    return frozenset(forms)
