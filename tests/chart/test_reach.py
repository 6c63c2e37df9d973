"""The page of who may reach what: it is what the chart renders, and says what it must."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from scripts import reach_reference as reach

pytestmark = pytest.mark.timeout(120)


@cache
def made() -> list[dict[str, Any]]:
    """Rendered once for all tests: nobody changes it."""
    return reach.objects()


def test_the_page_is_what_the_chart_renders() -> None:
    assert reach.PAGE.read_text("utf-8") == reach.page(made()), "run `make reference`"


def test_only_who_asks_the_api_has_a_token_and_a_role() -> None:
    assert {pod for pod, _, token in reach.accounts(made()) if token == "yes"} == {"gateway", "operator"}
    rows = list(reach.verbs(made()))
    assert {account for account, *_ in rows} == {"`talk-gateway`", "`talk-operator`"}
    assert not [row for row in rows if "secrets" in row[1] or "*" in "".join(row[1:3]) or row[3] == "cluster"]


def test_no_pod_has_a_secret_of_another() -> None:
    rows = {(secret, pod) for secret, _, pod, _ in reach.secrets(made())}
    redis, identity = "`talk-internal-talk-redis`", "`talk-internal-talk-identity`"
    assert {pod for secret, pod in rows if secret == identity} == {"gateway"}
    assert ("`openai`", "agent examiner") in rows
    assert {pod for secret, pod in rows if secret == "`openai`"} == {"agent examiner"}
    assert {pod for secret, pod in rows if secret == redis} == {"gateway", "operator", "redis", "agent examiner"}


def test_no_container_of_an_agent_that_stays_has_the_password_of_redis() -> None:
    rows = [row for row in reach.secrets(made()) if row[2] == "agent examiner" and "redis" in row[0]]
    assert [how for *_, how in rows] == ["environment of the init container `redis-user`, `TALK_REDIS_PASSWORD`"]


def test_each_flow_within_the_release_is_let_out_and_in() -> None:
    flows = [tuple(row) for row in reach.flows(made())]
    rooms = {pod.room for pod in reach.pods(made())}
    out = {(start, end, port) for start, end, port, side in flows if side == "out" and end in rooms}
    let_in = {(start, end, port) for start, end, port, side in flows if side == "in"}
    assert out
    for start, end, port in out:
        wide = [(each, end, port) for each in ("**any address**", "every agent" if "agent" in start else start)]
        assert (start, end, port) in let_in or any(each in let_in for each in wide), (start, end, port)


def test_nobody_leaves_for_any_address_but_to_the_api_server() -> None:
    anywhere = {(row[0], row[2]) for row in reach.flows(made()) if row[1] == "**any address**"}
    assert anywhere == {("gateway", "TCP 443, TCP 6443"), ("operator", "TCP 443, TCP 6443")}
