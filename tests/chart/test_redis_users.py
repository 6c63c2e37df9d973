"""A Redis user for each agent: who has the password of the chart's Redis, who may reach it, and how it starts."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.chart.helm import CASES, Rendered, environment, render, rooms

pytestmark = pytest.mark.timeout(120)
SECRET = {"name": "talk-internal-talk-redis", "key": "password"}
OFF = {
    "switched off": ["--set", "redis.auth.usersPerAgent=false"],
    "an external one": ["-f", str(next(CASES.glob("V12-*.yaml")))],
}


def config(rendered: Rendered) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(rendered.one("ConfigMap", "talk-operator")["data"]["operator.yaml"])
    return loaded


def told(rendered: Rendered, room: str) -> dict[str, Any]:
    return environment(rooms(rendered)[f"talk-{room}"])


def peers(rendered: Rendered, room: str, direction: str) -> list[str]:
    """The rooms at the other end of port 6379."""
    rules = rendered.one("NetworkPolicy", f"talk-{room}")["spec"][direction]
    found = [rule for rule in rules if {"protocol": "TCP", "port": 6379} in rule.get("ports", [])]
    ends = [peer for rule in found for peer in rule["from" if direction == "ingress" else "to"]]
    labels = [end.get("podSelector", {}).get("matchLabels", {}) for end in ends]
    return sorted(str(each.get("app.kubernetes.io/component", "")) for each in labels)


def test_the_operator_has_the_password_and_agents_have_not() -> None:
    rendered = render()
    assert told(rendered, "operator")["TALK_REDIS_PASSWORD"] == {"secretKeyRef": SECRET}
    assert told(rendered, "operator")["TALK_REDIS_HOST"] == told(rendered, "gateway")["TALK_REDIS_HOST"]
    assert config(rendered)["redisSecret"] == SECRET
    assert "TALK_REDIS_PASSWORD" not in environment({"env": config(rendered)["env"]})


@pytest.mark.parametrize("values", OFF.values(), ids=OFF.keys())
def test_otherwise_agents_have_the_one_user(values: list[str]) -> None:
    rendered = render(*values)
    assert "redisSecret" not in config(rendered)
    assert "TALK_REDIS_PASSWORD" in environment({"env": config(rendered)["env"]})
    assert not [name for name in told(rendered, "operator") if name.startswith("TALK_REDIS")]
    assert peers(rendered, "operator", "egress") == []


def test_operator_and_redis_may_meet() -> None:
    rendered = render()
    assert peers(rendered, "operator", "egress") == ["redis"]
    assert "operator" in peers(rendered, "redis", "ingress")
    assert "operator" not in peers(render("--set", "redis.auth.usersPerAgent=false"), "redis", "ingress")


def start(folder: Path, password: str, users: str = "users.acl") -> list[str]:
    """The ACL file that Redis starts with, by the script that the pod runs."""
    script = render().one("ConfigMap", "talk-redis")["data"]["start.sh"]
    (folder / "redis-server").write_text('#!/bin/sh\ntest -z "${REDIS_PASSWORD:-}" && echo "$@" && cat "$3"\n')
    (folder / "redis-server").chmod(0o755)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    script = script.replace("/data/", f"{folder}/data/").replace("/tmp/users.acl", f"{folder}/tmp/users.acl")
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "REDIS_PASSWORD": password}
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=30)
    arguments, *lines = done.stdout.splitlines()
    assert arguments.split() == ["/etc/redis/redis.conf", "--aclfile", str(folder / users)]
    return lines


def test_a_start_writes_the_default_user_anew_and_keeps_those_of_agents(tmp_path: Path) -> None:
    def default(password: str) -> str:
        return f"user default on #{hashlib.sha256(password.encode()).hexdigest()} ~* &* +@all"

    kept = "user agent.talk.one on sanitize-payload #00 ~talk:1:{one}:* resetchannels -@all +get"
    assert start(tmp_path, "first", "data/users.acl") == [default("first")]
    saved = [
        kept,
        "user somebody on nopass ~* +@all",
        "user agent.talk.off off -@all",
        "user default on nopass ~* +@all",
    ]
    (tmp_path / "data/users.acl").write_text("\n".join(saved) + "\n")
    assert start(tmp_path, "second", "data/users.acl") == [default("second"), kept]


def test_a_disk_that_is_full_does_not_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/users.acl.new").mkdir()
    (tmp_path / "data/users.acl.new/users.acl").mkdir()  # where cp would write
    assert len(start(tmp_path, "first", "tmp/users.acl")) == 1
