"""Failures of the API server are one kind of error, and a listing reads every page."""

from __future__ import annotations

import httpx2
import pytest
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from talk_operator.api import Api, ApiFailed
from talk_operator.kinds import CONFIG_MAP, DEPLOYMENT, POD, TALK_AGENT
from tests.fakes.cluster import FakeCluster


def api(answer: object) -> Api:
    config = KubeConfig.from_one(user=User(token="t"), cluster=Cluster(server="http://cluster.test")).get()
    return Api(config, httpx2.MockTransport(answer))  # type: ignore[arg-type]


def refusing(code: int) -> object:
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "message": "no", "status": "Failure"}
    return lambda _: httpx2.Response(code, json=body, headers={"Content-Type": "application/json"})


def unreachable(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


DEPLOYED = {**DEPLOYMENT.head, "metadata": {"name": "a", "namespace": "talk"}}


@pytest.mark.parametrize(("code", "refused"), [(403, True), (422, True), (409, False), (500, False), (429, False)])
async def test_a_status_of_the_server_is_its_code_and_message(code: int, refused: bool) -> None:
    with pytest.raises(ApiFailed, match="no") as failed:
        await api(refusing(code)).apply(DEPLOYMENT, DEPLOYED, force=True)
    assert (failed.value.code, failed.value.refused) == (code, refused)


@pytest.mark.parametrize("answer", [unreachable, lambda _: httpx2.Response(502, text="<html>")])
async def test_a_server_that_is_away_or_behind_a_broken_proxy(answer: object) -> None:
    with pytest.raises(ApiFailed) as failed:
        await api(answer).apply(DEPLOYMENT, DEPLOYED, force=True)
    assert failed.value.code in (0, 502)
    assert not failed.value.refused


async def test_what_is_gone_is_deleted_already() -> None:
    await api(refusing(404)).delete(DEPLOYMENT, "talk", "a")
    with pytest.raises(ApiFailed):
        await api(refusing(500)).delete(DEPLOYMENT, "talk", "a")


async def test_a_listing_reads_every_page_of_what_is_watched() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params)
        more = {} if "continue" in request.url.params else {"continue": "next"}
        return httpx2.Response(200, json={"metadata": {"resourceVersion": "1", **more}, "items": [{"metadata": {}}]})

    client = api(answer)
    assert [obj["kind"] async for obj in client.list(POD, "talk")] == ["Pod", "Pod"]
    assert asked[0]["labelSelector"] == "talk.dwani.ai/agent"
    [_ async for _ in client.list(CONFIG_MAP, "talk")]
    assert asked[-1]["labelSelector"] == "app.kubernetes.io/part-of=talk"
    [_ async for _ in client.list(TALK_AGENT, "talk")]
    assert "labelSelector" not in asked[-1]


async def test_an_apply_names_its_manager_and_forces_only_when_told() -> None:
    cluster = FakeCluster()
    await cluster.api().apply(DEPLOYMENT, {**DEPLOYED, "spec": {"replicas": 2}}, force=False)
    with pytest.raises(ApiFailed) as failed:
        await cluster.api().apply(DEPLOYMENT, {**DEPLOYED, "spec": {"replicas": 3}}, manager="another", force=False)
    assert failed.value.code == 409
