"""Which address a request comes from: nobody chooses their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_gateway.limits.address import client_address, networks, subject

PROXIES = networks("10.0.0.0/8, 2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9, 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9", "198.51.100.7:4711"], "198.51.100.7"),
        ("10.1.1.1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("10.1.1.1", ["unknown"], "10.1.1.1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("10.1.1.1", [", ".join(["198.51.100.7"] + ["10.3.3.3"] * 40)], "10.3.3.3"),
        ("::ffff:10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("2001:db8:1::1", ["198.51.100.7"], "198.51.100.7"),
    ],
)
def test_a_hop_counts_as_far_as_proxies_are_trusted(peer: str, forwarded: list[str], address: str) -> None:
    assert str(client_address(peer, forwarded, PROXIES)) == address


@given(st.lists(st.text(max_size=60), max_size=5))
def test_what_a_stranger_writes_changes_nothing(forwarded: list[str]) -> None:
    assert str(client_address("192.0.2.1", forwarded, PROXIES)) == "192.0.2.1"
    assert client_address("10.1.1.1", forwarded, PROXIES) is not None
    assert client_address(None, forwarded, PROXIES) is None


def test_a_subscriber_of_ipv6_is_one() -> None:
    one, other = (client_address(f"2001:db8::{each}", [], ()) for each in ("1", "2"))
    assert one is not None
    assert other is not None
    assert subject(one) == subject(other) == "2001:db8::/64"


@pytest.mark.parametrize("raw", ["everyone", "10.0.0.1/8", "300.1.1.1"])
def test_no_network_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="CIDRs"):
        networks(raw)
