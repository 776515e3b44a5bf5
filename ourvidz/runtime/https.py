"""What every way out over HTTP has in common: where secrets may be sent, and how it says what failed."""

from __future__ import annotations

import http.client
import socket
import ssl
from http import HTTPStatus
from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, so that what is sent there needs no TLS."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def reason(error: Exception) -> str:
    """Why an exchange failed, in our own words: a library's may quote what was sent or received."""
    match error:
        case TimeoutError():
            return "no whole answer in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case socket.gaierror():
            return "its name cannot be resolved"
        case http.client.RemoteDisconnected():
            return "it closed the connection without an answer"
        case http.client.HTTPException():
            return f"its answer is not HTTP ({type(error).__name__})"
        case OSError(strerror=str(text)):
            return text
        case _:
            return type(error).__name__


def phrase(status: int) -> str:
    """A status for people: ``503 Service Unavailable``."""
    if 300 <= status < 400:
        return f"{status}, a redirect, which is not followed; name the final address"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
