"""Which base URLs a TalkAgent may have."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from talk_operator.base_urls import refused

NEVER = ("talk-redis.talk", "10.96.0.1")
OWN = ("http://192.168.7.7:8000/v1",)


def why(url: str, allowed: tuple[str, ...] = ()) -> str | None:
    return refused(url, "team", allowed, OWN, NEVER)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://1.1.1.1/v1",
        "https://[2606:4700::1111]/v1",
        "http://vllm:8000/v1",
        "http://vllm.models.svc:8000/v1",
        "http://vllm.models.svc.cluster.local.:8000/v1",
        "http://192.168.7.7:8000/other",
        "https://xn--exmple-cua.com/v1",
    ],
)
def test_public_https_services_and_the_platforms_own_servers_are_allowed(url: str) -> None:
    assert why(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1",
        "https://169.254.169.254/v1",
        "https://[fe80::1]/v1",
        "https://[fe80::1%25eth0]/v1",
        "https://[::ffff:169.254.169.254]/v1",
        "https://[::ffff:a9fe:a9fe]/v1",
        "https://[64:ff9b::a9fe:a9fe]/v1",
        "https://[2002:a9fe:a9fe::]/v1",
        "https://[::1]/v1",
        "https://[::]/v1",
        "https://0.0.0.0/v1",
        "https://127.1.2.3/v1",
        "https://localhost/v1",
        "https://any.localhost./v1",
        "https://2852039166/v1",
        "https://0xa9fea9fe/v1",
        "https://0xa9.0xfe.0xa9.0xfe/v1",
        "https://0251.0376.0251.0376/v1",
        "https://169.254.43518/v1",
        "https://10.96.0.1/v1",
        "https://[::ffff:10.96.0.1]/v1",
        "https://kubernetes.default.svc/v1",
        "https://kubernetes.default/v1",
        "https://KUBERNETES.default.svc.cluster.local./v1",
        "http://talk-redis.talk:6379/v1",
        "http://talk-redis.talk.svc.cluster.local:6379/v1",
        "https://metadata.google.internal/v1",
        "https://metadata.google.internal./v1",
    ],
)
def test_link_local_loopback_the_api_server_and_redis_are_refused_whatever_is_allowed(url: str) -> None:
    assert why(url)
    assert why(url, (url,))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "https://10.1.2.3/v1",
        "https://192.168.0.1/v1",
        "https://[fd00::1]/v1",
        "https://100.64.0.1/v1",
        "http://192.168.7.7:8001/v1",
        "https://good.example.com@169.254.169.254/v1",
        "https://169.254.169.254\\@good.example.com/v1",
        "https://ｅxample.com/v1",
        "https://１６９.254.169.254/v1",
        "https://example。com/v1",
        "https://example..com/v1",
        "https://example.com../v1",
        "https:///v1",
        "https://example.com:0/v1",
        "https://example.com:99999/v1",
        "https://example.com/a/../v1",
        "https://example.com/a/%2e%2E/v1",
        "https://example.com/v1?a=b",
        "https://example.com/v1#a",
        "ftp://example.com/v1",
        "file:///etc/passwd",
        "https://exa\tmple.com/v1",
    ],
)
def test_what_is_private_plain_or_not_one_place_to_every_reader_is_refused(url: str) -> None:
    assert why(url)


@pytest.mark.parametrize(
    ("allowed", "url", "right"),
    [
        ("https://*.example.com", "https://llm.example.com/v1", True),
        ("https://*.example.com", "https://example.com/v1", False),
        ("https://*.example.com", "https://evilexample.com/v1", False),
        ("https://llm.example.com/v1", "https://llm.example.com/v1/", True),
        ("https://llm.example.com/v1", "https://llm.example.com/v10", False),
        ("https://llm.example.com/v1", "http://llm.example.com/v1", False),
        ("https://llm.example.com", "https://llm.example.com:8443/v1", False),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000/v1", True),
        ("http://vllm.models.svc:8000", "http://vllm.models.svc.cluster.local:8000/v1", True),
        ("https://llm.example.com", "https://api.openai.com/v1", False),
    ],
)
def test_a_list_of_the_platform_takes_the_place_of_the_default(allowed: str, url: str, right: bool) -> None:
    assert (why(url, (allowed,)) is None) is right


@given(st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_spelling_of_a_link_local_address_passes(address: IPv4Address) -> None:
    number = int(address)
    parts = str(address).split(".")
    hosts = [
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        oct(number).replace("0o", "0"),
        ".".join(f"{int(part):#x}" for part in parts),
        ".".join(f"0{int(part):o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"[::ffff:{address}]",
        f"[{IPv6Address(0xFFFF << 32 | number)}]",
        f"[{IPv6Address(int(ip_network('64:ff9b::/96')[0]) | number)}]",
        f"[::{address}]",
    ]
    for host in hosts:
        assert why(f"https://{host}/v1"), host
        assert why(f"https://user@{host}/v1"), host


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    why(text)
    why(f"https://{text}/v1")


@given(st.ip_addresses())
def test_an_address_that_is_not_public_never_passes(address: IPv4Address | IPv6Address) -> None:
    host = str(address) if address.version == 4 else f"[{address}]"
    if why(f"https://{host}/v1") is None:
        assert address.is_global


TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases/authors.yaml").read_text("utf-8"))


@pytest.mark.parametrize("outcome", ["allowed", "refused"])
def test_the_table_that_the_admission_policy_is_asked_too(outcome: str) -> None:
    urls = [case["baseURL"] for case in TABLE[outcome] if "baseURL" in case]
    assert {url: why(url) is None for url in urls} == dict.fromkeys(urls, outcome == "allowed")
