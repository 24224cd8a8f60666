# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Fixtures of the HTTP/2 tests; import them where they are used."""

from pathlib import Path
from typing import Callable, Iterator

import pytest

from .http2_wire import Http2Connection
from .origin import Origin

# Publishing on the public listener, which is what a request with a body does here.
TOKEN = "interop-token"
AUTHORIZED = [("authorization", f"Bearer {TOKEN}"), ("content-type", "text/plain")]
PUBLISHERS = {"HEADWATER_PUBLISH_TOKENS": f"{TOKEN}=*"}

Connect = Callable[..., Http2Connection]


def tls_flags(directory: Path) -> list[str]:
    """A TLS listener on a free port, with a certificate of its own making."""
    return ["--tls-port", "0", "--tls-self-signed", "true", "--tls-directory", str(directory / "tls")]


@pytest.fixture(scope="module")
def h2_origin(tmp_path_factory) -> Iterator[Origin]:
    """One origin for the connections of a module, in cleartext and in TLS. It must outlive all that is done to it."""
    directory = tmp_path_factory.mktemp("h2")
    running = Origin(directory, *tls_flags(directory), environment=PUBLISHERS)
    yield running
    running.terminate()


@pytest.fixture(params=["h2c", "tls"])
def connect(request, h2_origin) -> Iterator[Connect]:
    """Opens connections, in cleartext and then in TLS, and closes them."""
    opened: list[Http2Connection] = []
    tls = request.param == "tls"

    def open_connection(**options) -> Http2Connection:
        opened.append(Http2Connection(h2_origin.ready["https" if tls else "http"], tls, **options))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def peer(connect) -> Http2Connection:
    """One connection whose settings have been exchanged."""
    return connect()
