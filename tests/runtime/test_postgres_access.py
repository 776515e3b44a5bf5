"""The address of the platform's PostgreSQL, and how its server proves who it is."""

from __future__ import annotations

import pytest

from ourvidz.runtime.postgres_access import URL_VARIABLE, connection_parameters
from ourvidz.runtime.supabase_access import SupabaseNotConfigured

FAR = "postgres://postgres:hunter2@db.example:5432/postgres"


def test_a_server_elsewhere_has_to_show_a_certificate_for_its_name_that_the_system_trusts() -> None:
    parts = connection_parameters({URL_VARIABLE: FAR})
    assert (parts["sslmode"], parts["sslrootcert"]) == ("verify-full", "system")


def test_a_certificate_of_ones_own_can_be_named() -> None:
    named = connection_parameters({URL_VARIABLE: FAR + "?sslrootcert=prod-ca.crt", "PGSSLROOTCERT": "other"})
    assert named["sslrootcert"] == "prod-ca.crt"
    assert connection_parameters({URL_VARIABLE: FAR, "PGSSLROOTCERT": "other"})["sslrootcert"] == "other"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_tls_cannot_be_weakened(mode: str) -> None:
    with pytest.raises(SupabaseNotConfigured, match="expected verify-full"):
        connection_parameters({URL_VARIABLE: f"{FAR}?sslmode={mode}"})


@pytest.mark.parametrize(
    "url", ["postgres://u@127.0.0.1/x", "postgres://u@localhost,[::1]/x", "postgres:///x?host=/run"]
)
def test_this_machine_itself_needs_none(url: str) -> None:
    assert "sslmode" not in connection_parameters({URL_VARIABLE: url})


@pytest.mark.parametrize(
    "url", ["postgres://u@127.0.0.1,db.example/x", "postgres://u@localhost/x?hostaddr=192.0.2.1"]
)
def test_one_host_elsewhere_is_enough_to_need_it(url: str) -> None:
    assert connection_parameters({URL_VARIABLE: url})["sslmode"] == "verify-full"


@pytest.mark.parametrize(
    "url", ["", "postgres://", "https://hunter2@db.example/x", f"{FAR}?y=hunter2", "hunter2"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SupabaseNotConfigured, match=URL_VARIABLE) as refused:
        connection_parameters({URL_VARIABLE: url})
    assert "hunter2" not in str(refused.value)
