"""The corpus in tests/cases/talkagents: the outcome that the first line of each file asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from talk_kit.talkagent import InvalidFiles, Problem, check, errors, read_agent, read_agents

CASES = Path(__file__).parents[3] / "cases" / "talkagents"

ACCEPTED = ["T01", "T02", "T03", "T05", "T11", "T12", "T36", "T38", "T39", "T51"]
# For each refused file: the path of each error, and words of its message.
REFUSED: dict[str, list[tuple[str, list[str]]]] = {
    "T08": [("metadata.name", ["use viva-examiner"])],
    "T15": [("spec", ["exactly one of spec.instruction and spec.instructionFrom is allowed"])],
    "T17": [("spec.autoscaling", ["spec.replicas", "spec.autoscaling"])],
    "T18": [("spec.voice.enable", ["unknown field spec.voice.enable; did you mean enabled?"])],
    "T19": [
        ("spec.replicas", ["whole number from 0 to 100", "a string"]),
        ("spec.tools", ["list", "a mapping"]),
        ("spec.voice.enabled", ["true or false", "a string"]),
        ("spec.session.ttl", ["duration", "write 3600s"]),
    ],
    "T20": [("spec.voice.language", ["the boolean false in YAML", "quote it as 'no'"])],
    "T23": [
        ("spec.replicas", ["from 0 to 100, not -1"]),
        ("spec.drainSeconds", ["from 0 to 3600, not -5"]),
        ("spec.limits.runTimeout", ["from 1s to 1h", "cannot be negative"]),
        ("spec.limits.messageLength", ["from 1 to 100000, not 0"]),
        ("spec.limits.llmCalls", ["from 1 to 100, not 1000000"]),
        ("spec.limits.concurrentTurns", ["from 1 to 1000, not 0"]),
        ("spec.session.ttl", ["from 1m to 8760h", "cannot be negative"]),
        ("spec.session.recentTurns", ["from 1 to 1000, not -3"]),
    ],
    "T27": [("", ["YAML allows no tabs"])],
    "T29": [("spec.tools[0].mcp", ["not there yet"])],
    "T30": [("spec.tools[1]", ["billing-agent", "tools[0]", "tools[1]"])],
    "T34": [("spec.tools[0].agent.name", ["agent-calls-itself"])],
    "T44": [("spec.podTemplate", ["use pod"])],
    "T45": [
        ("spec.pod.hostNetwork", ["unknown field"]),
        ("spec.pod.securityContext", ["unknown field"]),
        ("spec.pod.volumes[0].hostPath", ["unknown field", "emptyDir"]),
        ("spec.pod.volumes[1].projected", ["unknown field"]),
        ("spec.pod.volumes[2].csi", ["unknown field"]),
    ],
}


def case(number: str) -> Path:
    (file,) = CASES.glob(f"{number}-*.yaml")
    return file


def found(number: str) -> list[Problem]:
    return check(case(number))[1]


def test_every_case_has_its_outcome_here() -> None:
    assert sorted(file.name[:3] for file in CASES.iterdir()) == sorted([*ACCEPTED, *REFUSED])


@pytest.mark.parametrize("number", ACCEPTED)
def test_accepts(number: str) -> None:
    assert errors(found(number)) == []
    assert read_agents([case(number)]).by_name


@pytest.mark.parametrize("number", REFUSED)
def test_refuses_and_says_why(number: str) -> None:
    problems = errors(found(number))
    assert sorted(problem.path for problem in problems) == sorted(path for path, _ in REFUSED[number])
    for path, words in REFUSED[number]:
        (problem,) = [each for each in problems if each.path == path]
        assert all(word in problem.message for word in words), problem.message
    with pytest.raises(InvalidFiles):
        read_agents([case(number)])


@pytest.mark.parametrize("number", REFUSED)
def test_places_point_at_what_is_wrong(number: str) -> None:
    lines = case(number).read_text("utf-8").split("\n")
    for problem in errors(found(number)):
        last = problem.path.rsplit(".", 1)[-1].split("[")[0]
        if problem.path not in ("", "spec"):
            assert last in lines[problem.line - 1] or problem.path.endswith("]")


def test_t03_braces_reach_the_spec_as_written() -> None:
    agent, _ = read_agent(case("T03"), "braces")
    assert agent.spec.instruction is not None
    for text in ("{city}", "{{name}}", "${expression}", "{count}", '{"city": "{city}", "n": {count}}', "{app:x?}"):
        assert text in agent.spec.instruction


def test_t11_counts_documents_without_the_empty_one() -> None:
    documents, _ = check(case("T11"))
    assert [(document.number, document.name) for document in documents] == [(1, "first"), (2, "second")]


def test_t12_line_ends_are_lf() -> None:
    agent, _ = read_agent(case("T12"), "crlf")
    assert agent.spec.instruction == "Line one.\nLine two.\n"


def test_t27_names_line_and_column() -> None:
    (problem,) = found("T27")
    assert (problem.line, problem.column) == (8, 1)


def test_t36_a_missing_agent_is_a_warning_that_names_it() -> None:
    (problem,) = found("T36")
    assert problem.severity == "warning"
    assert "AgentNotFound" in problem.message
    assert "nobody" in problem.message


def test_t38_a_missing_secret_is_a_warning_that_names_secret_key_and_variable() -> None:
    (problem,) = found("T38")
    assert problem.severity == "warning"
    for word in ("no-such-secret", "apiKey", "TALK_SECRET_NO_SUCH_SECRET_APIKEY"):
        assert word in problem.message


def test_t39_the_line_feed_of_a_key_is_cut() -> None:
    agent, references = read_agent(case("T39"), "newline-key")
    assert agent.spec.model is not None
    assert agent.spec.model.api_key_ref is not None
    assert references.secret(agent.spec.model.api_key_ref).reveal() == "sk-test-1234567890"
