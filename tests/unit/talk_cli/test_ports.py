"""Free ports, and who holds one."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from talk_cli.running.ports import PortTaken, choose, is_free

pytestmark = pytest.mark.loopback


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def free_port() -> int:
    with listener() as server:
        return int(server.getsockname()[1])


def test_all_ports_differ_and_are_free() -> None:
    ports = choose("127.0.0.1", free_port(), 5)
    chosen = [ports.gateway, ports.local, *ports.agents]
    assert len(set(chosen)) == 7
    assert all(is_free("127.0.0.1", port) for port in chosen)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "*", "0.0.0.0"])
def test_a_taken_port_is_named(host: str) -> None:
    with listener() as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is taken") as caught:
            choose(host, port, 1)
    assert "TALK_PORT" in str(caught.value)
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in str(caught.value)


def test_an_agents_port_that_is_taken_is_passed_over() -> None:
    gateway = free_port()
    first = choose("127.0.0.1", gateway, 1).agents[0]
    with socket.create_server(("127.0.0.1", first)):
        assert choose("127.0.0.1", gateway, 1).agents[0] > first


def test_a_host_that_is_no_address_here_is_told() -> None:
    with pytest.raises(PortTaken):
        choose("203.0.113.7", free_port(), 1)
