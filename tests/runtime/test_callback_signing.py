"""The secrets of callbacks, as they are read from the environment."""

from __future__ import annotations

import pytest

from ourvidz.runtime.callback.signing import CallbackSecretInvalid, Key, read_keys, read_token

JULY, AUGUST = Key("july", "0123456789abcdef" * 4), Key("august", "fedcba9876543210" * 4)


def test_one_or_two_keys_are_read_from_the_environment() -> None:
    assert read_keys({}) == read_keys({"OURVIDZ_CALLBACK_KEYS": " "}) == ()
    one = f"july:{JULY.secret}"
    assert read_keys({"OURVIDZ_CALLBACK_KEYS": one}) == (JULY,)
    assert read_keys({"OURVIDZ_CALLBACK_KEYS": f"{one}, august:{AUGUST.secret}"}) == (JULY, AUGUST)


SECRET = "not-to-be-shown-0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECRET, "key 1 cannot be read"),
        (f"july:{JULY.secret},{SECRET}", "key 2 cannot be read"),
        (f"july:{SECRET},", "key 2 cannot be read"),
        (f"july key:{SECRET}", "key 1 cannot be read"),
        (f"july:{SECRET} {SECRET}", "key 1 cannot be read"),
        (f"july:{SECRET},july:{SECRET}", "two keys of one id"),
        (f"a:{SECRET},b:{SECRET},c:{SECRET}", "found 3 keys"),
        ("july:not-to-be-shown", "has 15 characters, expected at least 32"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused_and_not_shown(text: str, message: str) -> None:
    with pytest.raises(CallbackSecretInvalid, match=message) as error:
        read_keys({"OURVIDZ_CALLBACK_KEYS": text})
    assert "not-to-be-shown" not in str(error.value)
    assert "openssl rand -hex 32" in str(error.value)


def test_a_token_that_could_end_a_header_is_refused_and_not_shown() -> None:
    assert read_token({}) is None
    assert read_token({"OURVIDZ_CALLBACK_TOKEN": f"{SECRET}\n"}) == SECRET
    with pytest.raises(CallbackSecretInvalid, match="one word of ASCII") as error:
        read_token({"OURVIDZ_CALLBACK_TOKEN": f"{SECRET}\r\nX-Other: 1"})
    assert SECRET not in str(error.value)


def test_a_key_does_not_show_its_secret() -> None:
    assert JULY.secret not in repr(JULY)
