"""A node that is drained, and a node that dies, under the same load as every other fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.load import Plan
from tests.e2e.cluster import Namespace, until
from tests.e2e.nodes import Spare, spare_node
from tests.e2e.rig import Rig, Row, rig
from tests.e2e.test_faults import AGENTS, nothing_lost

pytestmark = [pytest.mark.cluster, pytest.mark.chaos, pytest.mark.two_nodes, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def spare() -> Iterator[Spare]:
    """The node that goes. It is back when the tests are over."""
    node = spare_node()
    try:
        node.restore()
        node.leave_dns_out()
        yield node
    finally:
        node.restore()


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace, fault_rows: list[Row], spare: Spare) -> Iterator[Rig]:
    """The release under test, its Redis and the load on nodes that stay."""
    with rig(shared_namespace, fault_rows, away_from=spare.name) as made:
        yield made


def test_a_drained_node_fails_no_turn(talk: Rig, spare: Spare) -> None:
    row = talk.during("kubectl drain of a node", spare.drain)
    spare.restore()
    talk.until_whole()
    nothing_lost(row)
    assert row.failed == 0, row.codes


def test_a_node_that_dies_loses_nothing(talk: Rig, spare: Spare) -> None:
    spread(talk)

    def act() -> None:
        spare.kill()
        until("the cluster has noticed", lambda: not spare.ready() or None, 60)

    row = talk.during("a node dies", act)
    spare.restore()
    talk.until_whole()
    # A caller whose own gateway was on that node hears of nobody that it is gone: the end is the caller's own patience.
    nothing_lost(row, slowest=Plan.attempt + 5)


def spread(talk: Rig) -> None:
    """Both nodes have pods again, which no scheduler does by itself once a node is back."""
    talk.namespace.kubectl("rollout", "restart", "deployments")
    talk.until_whole()
    nodes = {pod["spec"]["nodeName"] for pod in talk.pods(AGENTS)}
    assert len(nodes) == 2, nodes
