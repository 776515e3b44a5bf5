"""Plain scalars: read in one way, or refused."""

from __future__ import annotations

import pytest

from ourvidz.spec.scalars import PlainValue, Trap, read_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("15", 15),
        ("-3", -3),
        ("6.0", 6.0),
        ("-0.75", -0.75),
        ("true", True),
        ("false", False),
        ("null", None),
        ("5s", "5s"),
        ("1024x1024", "1024x1024"),
        ("sdxl_queue", "sdxl_queue"),
        ("ULTRA FAST", "ULTRA FAST"),
        ("ratio 16:9", "ratio 16:9"),
        ("1.2.3", "1.2.3"),
        ("12:99", "12:99"),
        ("-", "-"),
    ],
)
def test_what_every_reader_agrees_on_is_read(text: str, value: PlainValue) -> None:
    read = read_plain(text)
    assert (type(read), read) == (type(value), value)


NUMBERS = (
    "16:9 -1:30 015 08 00 0o17 0x1F 0b11 1_000 1e3 1.5E-3 .5 5. +5 007.5 1_0:30 .nan .inf -.INF 2024-01-02"
)
WORDS = "no No yes on OFF y N True FALSE ~ NULL << ="


@pytest.mark.parametrize("text", [*NUMBERS.split(), *WORDS.split(), "12345678901234567890"])
def test_what_readers_disagree_about_is_a_trap(text: str) -> None:
    read = read_plain(text)
    assert isinstance(read, Trap)
    assert f'"{text}" in quotes' in read.instead


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("16:9", "969, in base 60"), ("015", "13, in base 8"), ("no", "false"), ("~", "null")],
)
def test_a_trap_says_what_others_read(text: str, meaning: str) -> None:
    read = read_plain(text)
    assert isinstance(read, Trap)
    assert read.meaning == f"which some readers take for {meaning}"
