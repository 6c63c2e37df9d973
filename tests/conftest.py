"""What every test shares: no network, and the server that HTTP tests run an app on."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

# A machine that decides about a change draws the same examples each time; a person's draws new ones.
# New ones in each pass, of which there are several.
settings.register_profile("fuzz", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.fixture(autouse=True)
def network(request: pytest.FixtureRequest) -> None:
    """Tests marked `loopback` or `laptop` may use this machine's own addresses, `cluster` any, all others no socket."""
    enable_socket()
    if request.node.get_closest_marker("cluster"):
        return
    if request.node.get_closest_marker("loopback") or request.node.get_closest_marker("laptop"):
        socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)
