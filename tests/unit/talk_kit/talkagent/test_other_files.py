"""More files of the kinds that people write: what is refused, where, and with which remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_kit.talkagent import Problem, check, errors, load_text
from talk_kit.talkagent.load import MAX_BYTES
from talk_kit.talkagent.validate import MOST_FINDINGS, validate

HEAD = "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata:\n  name: a\nspec:\n  instruction: Hi.\n"


def agent(more: str = "", name: str = "a") -> str:
    return HEAD.replace("name: a", f"name: {name}") + more


def problems(text: str) -> list[Problem]:
    loaded = load_text(text, "a.yaml")
    return sorted({*loaded.problems, *validate(loaded.documents)})


def refused(text: str) -> list[Problem]:
    return errors(problems(text))


def only(text: str) -> Problem:
    (problem,) = refused(text)
    return problem


def in_file(tmp_path: Path, content: bytes) -> list[Problem]:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    return errors(check(file)[1])


NAMES = {
    "viva_examiner": "use viva-examiner",
    "Viva": "use viva",
    "a.b": "use a-b",
    "-a-": "use a",
    "a" * 41: "it has 41 characters; use " + "a" * 40,
    "Ärger": "use rger",
    '"a b"': "use a-b",
    '"a\\n"': "use a",
}


@pytest.mark.parametrize(("name", "hint"), NAMES.items())
def test_a_name_that_kubernetes_refuses_comes_with_the_nearest_legal_one(name: str, hint: str) -> None:
    problem = only(agent(name=name))
    assert problem.path == "metadata.name"
    assert "at most 40 characters" in problem.message
    assert hint in problem.message


@pytest.mark.parametrize("name", ["123", "yes", "1.5", "[a]"])
def test_a_name_must_be_a_string(name: str) -> None:
    assert [each.path for each in refused(agent(name=name))] == ["metadata.name"]


SHAPES = {
    "hello\n": "a document must be a mapping",
    "- a\n": "a document must be a mapping",
    "x: 1\n": "kind is missing",
    HEAD.replace("TalkAgent", "Talkagent"): "did you mean TalkAgent?",
    HEAD.replace("TalkAgent", "Agent"): "kind must be TalkAgent",
    HEAD.replace("v1alpha1", "v1"): "apiVersion must be talk.dwani.ai/v1alpha1",
    HEAD.split("spec:")[0]: "spec is missing",
    HEAD.split("spec:")[0] + "spec:\n": "spec is missing",
    HEAD.split("spec:")[0] + "spec: hello\n": "spec must be a mapping of fields; it is a string",
    HEAD.split("spec:")[0] + "spec: [1]\n": "spec must be a mapping of fields; it is a list",
    HEAD.replace("metadata:\n  name: a\n", ""): "metadata is missing",
    HEAD.replace("metadata:\n  name: a\n", "metadata: {}\n"): "metadata.name is missing",
    HEAD.replace("metadata:\n  name: a\n", "metadata: a\n"): "metadata must be the metadata",
    HEAD.replace("  instruction: Hi.\n", "  description: x\n"): "exactly one of spec.instruction and spec.instruct",
    HEAD.replace("Hi.", ""): "exactly one of",
    HEAD.replace("Hi.", "''"): "allowed are 1 to 65,536 characters, not 0",
    HEAD.replace("Hi.", "'  '"): "it is blank",
    HEAD.replace("Hi.", "42"): "quote it as '42'",
    HEAD.replace("Hi.", "[a]"): "it is a list",
    HEAD.replace("Hi.", "x" * 65_537): "not 65,537",
    HEAD.replace("  name: a\n", "  name: a\n  lables: {}\n"): "unknown field metadata.lables; did you mean labels?",
    HEAD.replace("  name: a\n", "  generateName: a-\n"): "metadata.name is missing",
    HEAD.replace("  name: a\n", "  name: a\n  annotations: {port: 8081}\n"): "quote it as '8081'",
}


@pytest.mark.parametrize(("text", "words"), SHAPES.items())
def test_a_document_of_the_wrong_shape_is_told_what_is_missing(text: str, words: str) -> None:
    assert any(words in problem.message for problem in refused(text)), refused(text)


FIELDS = {
    "voice: {enabled: yes}": None,
    "voice: {language: y}": "the boolean true in YAML; quote it as 'y'",
    "voice: {language: on}": "quote it as 'on'",
    "voice: {language: !!str no}": None,
    "voice: {language: 'no'}": None,
    "voice: {language: en_US}": "use en-US",
    "voice: {language: kannada}": "use kn",
    "voice: {language: auto}": "leave it out",
    'voice: {language: "en\\n"}': "BCP-47",
    "voice: {language: zh-Hant-TW}": None,
    "voice: {transcription: {model: 1.10}}": "the number 1.1 in YAML; quote it as '1.10'",
    "voice: {transcription: {provider: http://evil}}": "the name of one of the gateway's speech providers",
    "language: en": "did you mean spec.voice.language?",
    "instructions: x": "did you mean instruction?",
    "Replicas: 1": "did you mean replicas?",
    "systemPrompt: x": "use instruction",
    "env: []": "use pod.env",
    "nodeSelector: {}": "did you mean spec.pod.nodeSelector?",
    "tools: {agent: {name: b}}": "it is a mapping",
    "tools: [b]": "must be a mapping with agent; it is a string",
    "tools: [null]": "it is empty (null)",
    "tools: [{}]": "spec.tools[0].agent is missing",
    "tools: [{agent: b}]": "must be a mapping with name; it is a string",
    "tools: [{agent: {name: Local_Guide}}]": "use local-guide",
    "tools: [{openapi: {url: x}}]": "not there yet",
    "replicas: 2.0": None,
    "replicas: 2.5": "the number 2.5",
    "replicas: 99999999999999999999": "from 0 to 100",
    "replicas: true": "the boolean true",
    "drainSeconds: 45s": "write the number alone",
    "model: {temperature: hot}": "a number from 0 to 2; it is a string",
    "model: {temperature: '0.5'}": "leave out the quotes",
    "model: {temperature: 3}": "from 0 to 2, not 3",
    "model: {temperature: .nan}": "JSON has no number .nan",
    "model: {temperature: .inf}": "JSON has no number .inf",
    "model: {maxTokens: 0}": "from 1 to 1000000",
    "model: {name: gpt-4}": "such as openai/gpt-4",
    "model: {timeout: 30}": "write 30s",
    "model: {timeout: 11m}": "from 1s to 10m",
    "model: {timeout: 1h30m}": "from 1s to 10m",
    "model: {timeout: 2 minutes}": "write 2m",
    "model: {timeout: 30S}": "write 30s",
    "model: {fallbacks: [{}]}": "spec.model.fallbacks[0].name is missing",
    "session: {ttl: 30d}": "720h",
    "session: {ttl: 1:30:00}": "a duration",
    "session: {ttl: 0s}": "from 1m",
    "session: {ttl: 99999h}": "to 8760h",
    "model: {baseURL: 'http://user:pw@h/v1'}": "use apiKeySecretRef",
    "model: {baseURL: 'https://h/v1?key=x'}": "leave out what begins with ?",
    "model: {baseURL: 'https://h/v1#x'}": "leave out what begins with ?",
    "model: {baseURL: 'localhost:8080/v1'}": "put http:// or https:// in front",
    "model: {baseURL: 'ftp://h'}": "only http and https",
    "model: {baseURL: 'file:///etc/passwd'}": "only http and https",
    "model: {baseURL: 'http://h:99999/v1'}": "absolute http or https URL",
    "model: {baseURL: 'http://h/v1/chat/completions'}": "must end before the route",
    "model: {baseURL: 'http://[::1]:8080/v1'}": None,
    "model: {apiKeySecretRef: {name: s}}": "spec.model.apiKeySecretRef.key is missing",
    "model: {apiKeySecretRef: {name: talk-internal-redis, key: p}}": "Talk's own",
    "autoscaling: {cpu: 70}": "spec.autoscaling.maxReplicas is missing",
    "autoscaling: {minReplicas: 5, maxReplicas: 2}": "must not be more than maxReplicas; here: 5 and 2",
    "autoscaling: {maxReplicas: 2, cpu: 70, memory: 80}": "cpu and memory",
    "autoscaling: {maxReplicas: 2, metrics: [{type: Pods, pods: {metric: {name: x}}}]}": None,
    "resources: {requests: {cpu: 0.5}}": "quote it as '0.5'",
    "resources: {requests: {memory: 512MB}}": "a quantity",
    "resources: {claims: []}": "unknown field spec.resources.claims",
    "image: 'a b'": "the name of an image",
    "suspend: 'no'": "leave out the quotes",
    "description: !!python/object:os.system x": "the tag !!python/object:os.system is not allowed",
    "description: 2026-11-25": None,
    "description: &a x": None,
}


@pytest.mark.parametrize(("field", "words"), FIELDS.items())
def test_a_field_is_taken_or_told_what_is_allowed(field: str, words: str | None) -> None:
    found = refused(agent(f"  {field}\n"))
    assert bool(found) == bool(words), found
    assert not words or any(words in problem.message for problem in found), found


POD = {
    "labels: {app.kubernetes.io/name: talk-gateway}": "Talk's own",
    "labels: {talk.dwani.ai/agent: b}": "Talk's own",
    "annotations: {example.com/port: 8081}": "quote it as '8081'",
    "labels: {'a b': x}": "a key is a name",
    "nodeSelector: {'/x': y}": "a key is a name",
    "annotations: {example.com/port: 'x', 'a/b/c': y}": "a key is a name",
    "env: [{name: TALK_MODEL, value: x}]": "Talk's own",
    "env: [{name: A, value: 1}]": "quote it as '1'",
    "env: [{name: A, value: x}, {name: A, value: y}]": "is there twice",
    "env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]": "only one of value",
    "env: [{name: A, valueFrom: {secretKeyRef: {name: talk-internal-redis, key: p}}}]": "Talk's own",
    "env: [{name: A, valueFrom: {resourceFieldRef: {resource: cpu}}}]": "unknown field",
    "volumes: [{name: b}]": "exactly one of configMap, secret",
    "volumes: [{name: b, emptyDir: {}, secret: {secretName: x}}]": "secret and emptyDir",
    "volumes: [{name: b, secret: {secretName: talk-internal-redis}}]": "Talk's own",
    "volumes: [{name: b, persistentVolumeClaim: {claimName: talk-internal-data-0}}]": "Talk's own",
    "volumes: [{name: b, nfs: {server: x, path: /}}]": "unknown field",
    "volumes: [{name: talk-tmp, emptyDir: {}}]": "Talk's own",
    "volumes: [{name: b, emptyDir: {}}, {name: b, emptyDir: {}}]": "is there twice",
    "volumeMounts: [{name: z, mountPath: /x}]": "there is none named z",
    "containers: []": "bring an image of your own",
    "initContainers: []": "unknown field",
    "hostPID: true": "unknown field",
    "automountServiceAccountToken: true": "unknown field",
    "affinity: {nodeAffinity: {anything: [1]}}": None,
}


@pytest.mark.parametrize(("field", "words"), POD.items())
def test_a_pod_gets_no_more_than_an_agents_pod(field: str, words: str | None) -> None:
    found = refused(agent(f"  pod: {{{field}}}\n"))
    assert bool(found) == bool(words), found
    assert not words or any(words in problem.message for problem in found), found


@pytest.mark.parametrize(
    "path", ["/", "rel", "/etc/talk", "/etc/talk/x", "/a/../etc", "/proc", "/tmp", "/usr/bin", "/a:b", "//"]
)
def test_a_mount_stays_out_of_the_systems_and_talks_folders(path: str) -> None:
    pod = f"  pod: {{volumes: [{{name: b, emptyDir: {{}}}}], volumeMounts: [{{name: b, mountPath: '{path}'}}]}}\n"
    assert only(agent(pod)).path == "spec.pod.volumeMounts[0].mountPath"


@pytest.mark.parametrize("path", ["/data", "/var/cache/agent", "/opt/.hidden/x/", "/etcetera"])
def test_a_mount_elsewhere_is_fine(path: str) -> None:
    pod = f"  pod: {{volumes: [{{name: b, emptyDir: {{}}}}], volumeMounts: [{{name: b, mountPath: '{path}'}}]}}\n"
    assert refused(agent(pod)) == []


def test_empty_fields_count_as_left_out_as_in_the_api_server() -> None:
    found = problems(agent("  voice:\n  tools: ~\n  session: {ttl: null}\n"))
    assert {problem.severity for problem in found} == {"warning"}
    assert [problem.path for problem in found] == ["spec.voice", "spec.tools", "spec.session.ttl"]


def test_octal_numbers_are_pointed_at() -> None:
    (problem,) = problems(agent("  drainSeconds: 010\n"))
    assert (problem.severity, problem.line, problem.column) == ("warning", 7, 17)
    assert "010 is octal in YAML, 8" in problem.message


SYNTAX = {
    agent("\tdescription: x\n"): (7, 1, "YAML allows no tabs"),
    agent("  voice:\n  \tenabled: true\n"): (8, 3, "YAML allows no tabs"),
    agent("  voice:\t{enabled: true}\n"): (7, 9, "YAML allows no tabs"),
    HEAD.replace("Hi.", "Answer: yes: no"): (6, 22, "needs quotes"),
    HEAD.replace("Hi.", '"unclosed'): (6, 16, "does not end"),
    agent("  instruction: Two.\n"): (7, 3, "the key spec.instruction is there twice"),
    agent("  ? [a]\n  : b\n"): (7, 5, "a key must be a string"),
    agent("  voice: &v {speech: *v}\n"): (7, 22, "no anchor before it"),
    agent("  x: " + "[" * 5000 + "]" * 5000): (7, 68, "nested more than 64 deep"),
    agent("  x: " + "{a: " * 3000): (7, 251, "nested more than 64 deep"),
}


@pytest.mark.parametrize(("text", "expected"), SYNTAX.items())
def test_what_yaml_refuses_has_its_place_and_a_remedy(text: str, expected: tuple[int, int, str]) -> None:
    problem = only(text)
    assert (problem.line, problem.column) == expected[:2]
    assert expected[2] in problem.message


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["  a: &a [1,1,1,1,1,1,1,1,1,1]"]
    for last, letter in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"  {letter}: &{letter} [{','.join([f'*{last}'] * 10)}]")
    assert "more than 20,000 values" in only(agent("\n".join(lines))).message


def test_anchors_and_merges_work() -> None:
    text = agent("  voice: {transcription: &p {provider: x}, speech: {<<: *p, voice: joe}}\n")
    (document,) = load_text(text, "a.yaml").documents
    assert document.data["spec"]["voice"]["speech"] == {"voice": "joe", "provider": "x"}
    assert refused(text) == []


def test_an_error_in_one_document_does_not_hide_the_next() -> None:
    text = HEAD.replace("Hi.", "[") + "---\n" + agent("  foo: 1\n", "b") + "---\n" + agent("  bar: {\n", "c")
    found = refused(text)
    assert [(each.document, each.line) for each in found] == [(1, 6), (2, 14), (3, 22)]


def test_directives_ends_and_lists_are_taken_as_kubectl_takes_them() -> None:
    assert refused("%YAML 1.1\n---\n" + HEAD + "...\n---\n" + agent(name="b")) == []
    members = [HEAD.replace("\n", "\n  "), agent("  replicas: x\n", "b").replace("\n", "\n  ")]
    listed = "apiVersion: v1\nkind: List\nitems:\n" + "\n".join(f"- {member.strip()}" for member in members)
    problem = only(listed)
    assert (problem.document, problem.name, problem.path, problem.line) == (2, "b", "spec.replicas", 16)


def test_bytes_that_are_no_utf8_text_are_named(tmp_path: Path) -> None:
    for content, words, line in [
        (HEAD.encode("utf-16"), "UTF-16", 1),
        (HEAD.encode("utf-16-le"), "UTF-16", 1),
        (HEAD.replace("Hi.", "Grüße").encode("latin-1"), "not UTF-8", 6),
        (HEAD.replace("Hi.", "a\0b").encode(), "control character 0x00", 6),
        (HEAD.replace("\n", "\r\n").replace("Hi.", "a\x1bb").encode(), "control character 0x1b", 6),
        (bytes(range(256)), "UTF-8", 3),
        (HEAD.encode() + b"# " + b"x" * MAX_BYTES, "more than 4 MB", 1),
    ]:
        (problem,) = in_file(tmp_path, content)
        assert words in problem.message
        assert problem.line == line


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert in_file(tmp_path, b"\xef\xbb\xbf" + HEAD.encode()) == []


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n---\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"]
)
def test_files_without_an_agent_are_told_so(tmp_path: Path, text: str) -> None:
    (problem,) = in_file(tmp_path, text.encode())
    assert "no TalkAgent" in problem.message


def test_two_agents_of_one_name_name_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(agent())
    (tmp_path / "b.yml").write_text(agent())
    (problem,) = errors(check(tmp_path)[1])
    assert problem.file.endswith("b.yml")
    assert "a.yaml:4" in problem.message


def test_one_file_named_twice_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(agent())
    assert errors(check(tmp_path / "a.yaml", tmp_path)[1]) == []


def test_agents_that_go_round_over_files_are_a_warning(tmp_path: Path) -> None:
    for one, other in ("ab", "bc", "ca"):
        (tmp_path / f"{one}.yaml").write_text(agent(f"  tools: [{{agent: {{name: {other}}}}}]\n", one))
    (problem,) = check(tmp_path)[1]
    assert problem.severity == "warning"
    assert "a -> b -> c -> a" in problem.message


def test_other_kinds_are_ignored_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(agent() + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n")
    (problem,) = check(tmp_path)[1]
    assert (problem.severity, problem.document) == ("notice", 2)
    assert "Service" in problem.message


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert "no such file" in errors(check(tmp_path / "nothing.yaml")[1])[0].message
    assert "no .yaml" in errors(check(tmp_path)[1])[0].message


SECRET_TEXTS = [
    "model: {apiKey: sk-very-secret}",
    "model: {apiKeySecretRef: sk-very-secret}",
    "model: {apiKeySecretRef: {name: 'SK sk-very-secret', key: k}}",
    "model: {baseURL: 'https://user:sk-very-secret@h/v1'}",
    "model: {baseURL: 'https://h/v1?key=sk-very-secret'}",
    "model: {temperature: sk-very-secret}",
    "pod: {env: [{name: 'sk very', value: [sk-very-secret]}]}",
]


@pytest.mark.parametrize("field", SECRET_TEXTS)
def test_no_message_repeats_what_may_be_a_secret(field: str) -> None:
    found = refused(agent(f"  {field}\n"))
    assert found
    assert "sk-very-secret" not in "".join(map(str, found))


@pytest.mark.parametrize(
    "data", ["data: {k: sk-very-secret!}", "data: {k: 5}", "stringData: {k: [sk-very-secret]}", "data: x"]
)
def test_a_secret_that_is_wrong_is_told_without_its_content(data: str) -> None:
    found = refused(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n")
    assert len(found) == 1
    assert "sk-very-secret" not in str(found[0])


def test_a_file_full_of_errors_ends_in_good_time() -> None:
    found = refused(agent("".join(f"  field{index}: 1\n" for index in range(5_000))))
    assert len(found) == MOST_FINDINGS


def test_a_key_of_a_megabyte_is_not_repeated() -> None:
    problem = only(agent(f"  {'x' * 1000}: 1\n"))
    assert len(problem.message) < 400


YAML_SIGNS = " \t\n-:?[]{},&*!|>'\"%@`#~<=\\.0123xUuaeno\u2028\x85"


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet=YAML_SIGNS, max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    problems(text)
    problems(agent(f"  {text}"))
    problems(agent(f"  description: {text}"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(VALUES)
def test_any_value_is_taken_or_refused(value: object) -> None:
    text = json.dumps(value)
    for field in ("instruction", "tools", "model", "voice", "pod", "session", "autoscaling"):
        problems(HEAD.split("spec:")[0] + f'spec: {{"{field}": {text}}}\n')
    problems(HEAD.split("metadata:")[0] + f"metadata: {text}\nspec: {text}\n")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_json_is_yaml(text: str) -> None:
    loaded = load_text(json.dumps({"kind": "x", "text": text}), "a.json")
    assert loaded.documents[0].data["text"] == text


@pytest.mark.parametrize("escape", ["\\ud800", "\\UFFFFFFFF", "\\x0"])
def test_an_escape_that_is_no_character_is_refused(escape: str) -> None:
    assert refused(agent(f'  description: "{escape}"\n'))
