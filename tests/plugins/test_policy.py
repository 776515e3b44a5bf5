"""What the built-in request reviewer refuses, and what it lets through."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ourvidz.plugins.policy import ourvidz_request_reviewers
from ourvidz.plugins.policy.policy import PolicyInvalid, load_policy
from ourvidz.plugins.policy.reviewer import MAX_LENGTH, PolicyReviewer
from ourvidz.plugins.reviewers import ReviewedRequest, Verdict
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Review, Settings

JOB_TYPE = JobType.model_validate(
    {
        "id": "lighthouse",
        "worker": "clay",
        "queue": "clay_queue",
        "content_type": "image",
        "resolution": "64x64",
        "steps": 4,
        "guidance": 6.0,
        "expected_time": "1s",
        "storage_bucket": "clay",
        "quality_tier": "fast",
    }
)


@pytest.fixture(scope="module")
def reviewer() -> PolicyReviewer:
    return PolicyReviewer(load_policy(None))


def review(reviewer: PolicyReviewer, prompt: str, without: str | None = None) -> Verdict:
    return reviewer.review_request(
        ReviewedRequest(job_type=JOB_TYPE, prompt=prompt, negative_prompt=without, inputs={})
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "a lighthouse on a cliff at dusk, long exposure",
        "kidney beans in a bowl",
        "a poster of a film about a minority report",
        "a rapeseed field in bloom",
        "the hat of a cowboy",
        "a twenty-five-year-old bicycle",
        "twenty five year old cheese",
        "a bridge, 118 years old",
        "a 1,000 year old castle",
        "a 2,500-year-old temple",
        "a tortoise, a hundred and five years old",
        "five thousand years old ruins",
        "five old houses and ten old boats",
        "abandoned for 10 years",
        "as it was 10 years ago",
        "an ice age landscape",
        "portrait of a statue, 3 pigeons",
        "4k, 50mm, f/1.8, 16:9, 1024x1024",
        "1. a tower, 2. a bridge",
        "a cave under 3 waterfalls",
        "Øresund bridge, Straße, 東京タワー",
        "a woman aged 40",
        "over the age of 18",
        "she is 40",
        "he just turned thirty",
        "who is eighteen, on a bench",
        "she is one of the dancers",
        "he is 3rd in line",
        "the model is 3d, 8k",
        "the man's 5 dogs",
        "they are two old friends",
        "the women were 12 metres away",
        "it is 10 o'clock",
        "an i7 laptop",
        "a six foot tall woman",
    ],
)
def test_harmless_prompts_pass(reviewer: PolicyReviewer, prompt: str) -> None:
    assert review(reviewer, prompt) == Verdict(allowed=True)


@pytest.mark.parametrize(
    "prompt",
    [
        "a child's drawing of a house",
        "CHILDREN",
        "kids",
        "a teenage mutant turtle",
        "school girl",
        "a young girl",
        "👧",
    ],
)
def test_words_for_minors_are_refused(reviewer: PolicyReviewer, prompt: str) -> None:
    verdict = review(reviewer, prompt)
    assert (verdict.allowed, verdict.category) == (False, "minor")
    assert verdict.reason


@pytest.mark.parametrize(
    "prompt",
    [
        "c h i l d",
        "a c.h.i.l.d",
        "chi-ld",
        "chil dren",
        "under-age",
        "teen-age",
        "ch!ld",
        "k1d",
        "chi1d",
        "t33n",
        "b@by",
        "teeeeen",
        "child1",
        "2kids",
        "ch\u200bild",
        "ch\u00adild",
        "child\u3164",
        "chîld",
        "ｃｈｉｌｄ",
        "𝒄𝒉𝒊𝒍𝒅",
        "ᴄʜɪʟᴅ",
        "🅲🅷🅸🅻🅳",
        "сhіld",
    ],
)
def test_writing_a_term_differently_does_not_help(reviewer: PolicyReviewer, prompt: str) -> None:
    assert review(reviewer, prompt).category == "minor"


@pytest.mark.parametrize(
    "prompt",
    [
        "15 year old",
        "fifteen-year-old",
        "15-year-olds",
        "15yo",
        "15 y/o",
        "15 y.o.",
        "15yrs old",
        "age: 12",
        "age of nine",
        "aged 9",
        "aged about 12",
        "at the age of 15",
        "seventeen years of age",
        "6 months old",
        "18 month old",
        "9 years young",
        "under 18",
        "under 18 years old",
        "under the age of 18",
        "younger than eighteen",
        "not yet 18",
        "a model, 16, smiling",
        "a model (17)",
        "1.5 years old",
        "12,15 year old",
        "１５ year old",
        "١٥ years old",
        "⑮ year old",
        "1️⃣5️⃣ years old",
        "she is 16",
        "she is 16 and sits on a bench",
        "She's 16.",
        "shes 16",
        "she’s only just sixteen",
        "he was twelve",
        "he has just turned 9, in a park",
        "a woman who is 16",
        "i am nearly 15",
        "the man is 17!",
        "they are both 16",
        "the girls were 16 and 17",
        # A number that might be an age counts as one.
        "she is 16 metres away",
        "he is 5 foot 4",
        # Whose age it is cannot be told from a text, so an oak's counts as well.
        "a 12 year old oak tree",
        "10 years old whisky",
    ],
)
def test_ages_below_18_are_refused_in_figures_and_words(reviewer: PolicyReviewer, prompt: str) -> None:
    assert review(reviewer, prompt).category == "minor"


@pytest.mark.parametrize("age", range(18))
def test_every_age_below_18_is_refused_and_every_one_from_18_passes(
    reviewer: PolicyReviewer, age: int
) -> None:
    assert not review(reviewer, f"{age} years old").allowed
    assert review(reviewer, f"{age + 18} years old").allowed


def test_the_negative_prompt_may_name_what_is_to_stay_out(reviewer: PolicyReviewer) -> None:
    assert review(reviewer, "a park at noon", "child, children, 15 year old").allowed


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "a" * (MAX_LENGTH + 1)])
def test_text_that_nobody_can_read_is_refused_in_both_prompts(reviewer: PolicyReviewer, text: str) -> None:
    assert review(reviewer, text).category == "unreadable"
    assert review(reviewer, "a park at noon", text).category == "unreadable"


def test_other_categories_keep_their_names_and_minors_come_first(reviewer: PolicyReviewer) -> None:
    assert review(reviewer, "zoophilia").category == "bestiality"
    assert review(reviewer, "rape").category == "sexual_violence"
    assert review(reviewer, "rape of a child").category == "minor"


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "a",
        "1 ",
        "1,",
        "-",
        "twenty ",
        "hundred ",
        "child-",
        "a\u0301",
        "x!",
        "under ",
        "9",
        "year ",
        "she is ",
        "he 9 ",
    ],
)
def test_the_effort_grows_in_proportion_to_the_prompt(reviewer: PolicyReviewer, unit: str) -> None:
    def effort(length: int) -> float:
        text = (unit * length)[:length]
        start = time.process_time()
        review(reviewer, text)
        return time.process_time() - start

    short = min(effort(MAX_LENGTH // 10) for _ in range(3))
    # In proportion it is 10 times; an expression that backtracks needs 100 times and more.
    assert effort(MAX_LENGTH) < 50 * short + 0.05


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def test_a_deployment_adds_categories_and_terms(own: Path) -> None:
    own.write_text(
        "categories:\n"
        "  brand: {reason: It names a brand., terms: [Acme, acme cola]}\n"
        "  minor: {reason: Anything goes., terms: [gosling]}\n"
    )
    reviewer = PolicyReviewer(load_policy(own))
    assert review(reviewer, "a can of ACME") == Verdict(
        allowed=False, category="brand", reason="It names a brand."
    )
    gosling = review(reviewer, "a gosling on a pond")
    assert (gosling.category, gosling.reason) == ("minor", load_policy(None).reasons["minor"])


def test_a_deployment_cannot_take_a_term_away(own: Path) -> None:
    own.write_text("categories:\n  minor: {terms: []}\n  harmless: {terms: [child, teenager]}\n")
    built_in, extended = load_policy(None), load_policy(own)
    assert all(terms <= extended.terms[category] for category, terms in built_in.terms.items())
    assert review(PolicyReviewer(extended), "a child").category == "minor"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categories:\n  brand: {termz: [x]}\n", r"policy.yaml:2:11: .*termz: found an unknown key.* terms"),
        ("categories:\n  brand:\n    terms: x\n", r"policy.yaml:3:12: .*found x, expected a list"),
        ("categories:\n  a: {terms: [x]}\n  a: {terms: []}\n", r"policy.yaml:3:3: .*a second time"),
        ("categories:\n  a: {terms: ['--']}\n", "the term '--' has no letter"),
        ("", "an empty file"),
        ("- a\n", "found a list"),
        ("categories: {a: [", "broken YAML"),
    ],
)
def test_a_broken_policy_file_is_one_error_with_its_place(own: Path, text: str, message: str) -> None:
    own.write_text(text)
    with pytest.raises(PolicyInvalid, match=message) as caught:
        load_policy(own)
    assert str(own) in str(caught.value)


def test_a_policy_file_is_looked_for_from_the_project_folder(own: Path) -> None:
    settings = Settings(review=Review(policy=own.name))
    with pytest.raises(PolicyInvalid, match=f"the policy {own} does not exist"):
        ourvidz_request_reviewers(settings, own.parent)
    own.write_text("categories:\n  brand: {terms: [acme]}\n")
    [reviewer] = ourvidz_request_reviewers(settings, own.parent)
    assert not review(reviewer, "acme").allowed
