"""What the pages show is right: TalkAgents, values, paths, flags, links."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from talk_cli.__main__ import parser
from talk_kit._setting_names import KNOWN_NAMES, KNOWN_PREFIXES
from talk_kit.talkagent import KIND, errors, load_text
from talk_kit.talkagent.validate import validate
from tests.docs.pages import ROOT, Block, Command, Page, all_commands, all_files, pages

# Made by the reader.
OF_THE_READER = {"my-agent.yaml", "values.yaml"}
KNOWN_PROGRAMS = {
    "make",
    "talk",
    "curl",
    "helm",
    "kubectl",
    "kind",
    "docker",
    "open",
    "git",
    "eval",
    "skaffold",
    "openssl",
}


def of(program: str) -> list[Command]:
    return [command for command in all_commands() if Path(command.words[0]).name == program]


def by_place(command: Command) -> str:
    return command.where


def yaml_blocks() -> list[Any]:
    found = [(page, block) for page in pages() for block in page.blocks if block.language == "yaml"]
    return [pytest.param(page, block, id=f"{page.name}:{block.line}") for page, block in found]


@pytest.mark.parametrize(("page", "block"), yaml_blocks())
def test_every_talkagent_is_valid(page: Page, block: Block) -> None:
    if f"kind: {KIND}" not in block.text:
        return
    loaded = load_text(block.text, f"{page.name}")
    # Secrets, and agents of other blocks that a tool names, are warnings.
    assert not errors([*loaded.problems, *validate(loaded.documents)])


def test_the_agents_of_a_page_know_one_another() -> None:
    for page in pages():
        documents = [document for _, document in page.documents() if document.get("kind") == KIND]
        names = {document["metadata"]["name"] for document in documents}
        tools = [tool["agent"]["name"] for each in documents for tool in each["spec"].get("tools", [])]
        assert set(tools) <= names, page.name


def values_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """The chart's values in a document: a values file, an Argo CD Application or a Flux HelmRelease."""
    if document.get("kind") == "Application":
        return dict(document["spec"]["source"]["helm"]["valuesObject"])
    if document.get("kind") == "HelmRelease":
        return dict(document["spec"]["values"])
    return None if "kind" in document else document


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "charts/talk/values.schema.json").read_text())
    return found


def test_every_value_is_one_of_the_chart() -> None:
    checked = 0
    for page in pages():
        for block, document in page.documents():
            values = values_of(document)
            if values is not None:
                jsonschema.validate(values, schema())
                checked += 1
            assert "kind" in document or block.text, page.name
    assert checked >= 5


@pytest.mark.parametrize("command", of("helm"), ids=by_place)
def test_helm_commands_name_the_chart_its_values_and_files(command: Command) -> None:
    values: dict[str, Any] = {}
    for assignment in command.options("--set"):
        path, _, raw = assignment.partition("=")
        *parents, last = path.split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = json.loads(raw) if re.fullmatch(r"true|false|null|-?\d+", raw) else raw
    jsonschema.validate(values, schema())
    for name in command.options("-f", "--values"):
        assert exists(name), name
    for word in command.words:
        if word.startswith(("charts/", "./charts/")):
            assert (ROOT / word).is_dir(), word


@pytest.mark.parametrize("command", of("make"), ids=by_place)
def test_make_commands_name_a_target(command: Command) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in command.words[1:] if "=" not in word} <= targets


@pytest.mark.parametrize("command", of("talk"), ids=by_place)
def test_talk_commands_have_these_options_and_files(command: Command) -> None:
    arguments = parser().parse_args(command.words[1:])
    for source in getattr(arguments, "sources", []):
        assert exists(source), source


@pytest.mark.parametrize("command", of("kubectl"), ids=by_place)
def test_kubectl_commands_name_files_and_agents_of_the_pages(command: Command) -> None:
    for name in command.options("-f", "--filename"):
        assert exists(name), name
    agents = {d["metadata"]["name"] for p in pages() for _, d in p.documents() if d.get("kind") == KIND}
    named = [word.split("/")[1] for word in command.words if word.startswith("talkagent/")]
    named += [after for word, after in zip(command.words, command.words[1:], strict=False) if word == "talkagent"]
    assert set(named) <= agents | {path.stem for path in (ROOT / "examples").glob("*.yaml")}


def test_variables_before_a_command_are_settings() -> None:
    for command in all_commands():
        for name in command.env:
            known = name in KNOWN_NAMES or name.startswith(KNOWN_PREFIXES) or not name.startswith("TALK_")
            assert known, f"{command.where}: {name}"


def test_every_program_is_known_to_these_tests() -> None:
    assert {Path(command.words[0]).name for command in all_commands()} <= KNOWN_PROGRAMS


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_and_their_anchors_lead_somewhere(page: Page) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}, target


def exists(name: str) -> bool:
    return name == "-" or (ROOT / name).exists() or name in all_files() or name in OF_THE_READER
