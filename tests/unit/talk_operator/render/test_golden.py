"""Each TalkAgent of `cases` becomes the objects of `golden`. `python -m tests.unit.talk_operator.render.test_golden`
writes them anew, for a reviewer to read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from talk_kit.talkagent import load_text
from talk_kit.talkagent.problem import errors
from talk_kit.talkagent.validate import validate
from talk_operator.config import Config, read_config
from talk_operator.render import render

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.yaml"))


def config() -> Config:
    return read_config(HERE / "config.yaml")


def agent(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    loaded["metadata"] |= {"namespace": "talk", "uid": "00000000-0000-0000-0000-000000000001", "generation": 1}
    return loaded


class _Readable(yaml.SafeDumper):
    """Lines as lines, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _string)


def rendered(path: Path) -> str:
    return str(yaml.dump_all(render(agent(path), config()), Dumper=_Readable, sort_keys=False, width=120))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_objects_are_the_golden_ones(path: Path) -> None:
    assert rendered(path) == (HERE / "golden" / path.name).read_text("utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_agent_yaml_is_a_talkagent_that_the_agent_takes(path: Path) -> None:
    text = next(obj["data"]["agent.yaml"] for obj in render(agent(path), config()) if obj["kind"] == "ConfigMap")
    loaded = load_text(text, "agent.yaml")
    assert not errors([*loaded.problems, *validate(loaded.documents)])
    assert loaded.documents[0].data["spec"].get("instruction") == agent(path)["spec"].get("instruction")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_pod_is_restricted_and_no_pod_has_a_token(path: Path) -> None:
    template = next(obj for obj in render(agent(path), config()) if obj["kind"] == "Deployment")["spec"]["template"]
    pod, container = template["spec"], template["spec"]["containers"][0]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_container_that_stays_sees_the_password_of_redis(path: Path) -> None:
    template = next(obj for obj in render(agent(path), config()) if obj["kind"] == "Deployment")["spec"]["template"]
    (writer,), (container,) = template["spec"]["initContainers"], template["spec"]["containers"]
    assert writer["image"] == config().image
    assert "talk-internal-talk-redis" in str(writer)
    assert "talk-internal-talk-redis" not in str({**template["spec"], "initContainers": []})
    assert writer["securityContext"] == container["securityContext"]
    assert [mount["readOnly"] for mount in container["volumeMounts"] if mount["name"] == "talk-redis-user"] == [True]


def test_an_agent_of_another_namespace_is_told_how_the_gateway_knows_it() -> None:
    loaded = agent(CASES[0])
    loaded["metadata"]["namespace"] = "team"
    for own, value in (("talk", "team"), ("team", None), ("", None)):
        objects = render(loaded, replace(config(), namespace=own))
        template = next(obj for obj in objects if obj["kind"] == "Deployment")["spec"]["template"]
        env = {each["name"]: each.get("value") for each in template["spec"]["containers"][0]["env"]}
        assert env.get("TALK_AGENT_NAMESPACE") == value


if __name__ == "__main__":
    (HERE / "golden").mkdir(exist_ok=True)
    for case in CASES:
        (HERE / "golden" / case.name).write_text(rendered(case), "utf-8")
