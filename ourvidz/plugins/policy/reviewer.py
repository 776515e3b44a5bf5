"""Holds a prompt against the policy."""

from __future__ import annotations

from collections.abc import Iterator

from ourvidz.plugins.policy.ages import names_minor_age
from ourvidz.plugins.policy.policy import MINOR, Policy
from ourvidz.plugins.policy.readings import broken_words, fold, readings, spelled_out
from ourvidz.plugins.reviewers import ReviewedRequest, Verdict

#: Characters of a prompt; as in the envelope.
MAX_LENGTH = 10_000

#: Shorter terms are not looked for in two words put together: "to y" is no toy.
MIN_BROKEN = 5
MIN_SPELLED = 3


class PolicyReviewer:
    """Refuses a prompt that names what the policy forbids.

    The negative prompt is not held against the policy: naming something there keeps it out of the
    picture, which is what the policy wants. Both must be readable text of a sane length.
    """

    name = "policy"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._category: dict[tuple[str, ...], str] = {}
        # The category of minors wins where a deployment lists one of its terms a second time.
        for category in sorted(policy.terms, key=lambda name: name != MINOR):
            for term in policy.terms[category]:
                self._category.setdefault(term, category)
        self._longest = max(map(len, self._category), default=0)
        self._joined = {"".join(term): category for term, category in reversed(self._category.items())}

    def review_request(self, request: ReviewedRequest) -> Verdict:
        for text in (request.prompt, request.negative_prompt or ""):
            unreadable = _unreadable(text)
            if unreadable:
                return Verdict(allowed=False, category="unreadable", reason=unreadable)
        found = set(self._categories(request.prompt))
        if not found:
            return Verdict(allowed=True)
        category = MINOR if MINOR in found else min(found)
        return Verdict(allowed=False, category=category, reason=self._policy.reasons[category])

    def _categories(self, text: str) -> Iterator[str]:
        if names_minor_age(fold(text)):
            yield MINOR
        for words in readings(text):
            for start in range(len(words)):
                for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                    category = self._category.get(tuple(words[start:end]))
                    if category:
                        yield category
            for word in broken_words(words):
                if len(word) >= MIN_BROKEN and word in self._joined:
                    yield self._joined[word]
        for run in spelled_out(text):
            for term, category in self._joined.items():
                if len(term) >= MIN_SPELLED and term in run:
                    yield category


def _unreadable(text: str) -> str:
    if len(text) > MAX_LENGTH:
        return f"A prompt has {len(text)} characters, more than {MAX_LENGTH}."
    if any("\ud800" <= one <= "\udfff" or one == "\0" for one in text):
        return "A prompt has characters that are no text."
    return ""
