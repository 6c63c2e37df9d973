"""Keys of Secrets and ConfigMaps: where they are found, and that they do not show."""

from __future__ import annotations

import base64
import copy
import pickle
from pathlib import Path

import pytest

from talk_kit.talkagent import KeyRef, MissingReference, References, Secret, load_text

KEY = KeyRef("Secret", "my-keys", "api.key")
PROMPT = KeyRef("ConfigMap", "prompts", "examiner")


def documents(data: str) -> References:
    return References(load_text(data, "a.yaml").documents, {KEY.variable: "from-environment"})


def secret(data: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: my-keys}}\n{data}\n"


def test_the_variable_is_upper_case_with_underscores() -> None:
    assert KEY.variable == "TALK_SECRET_MY_KEYS_API_KEY"


def test_documents_come_before_the_environment() -> None:
    encoded = base64.b64encode(b" sk-1\r\n").decode()
    assert documents(secret(f"data: {{api.key: {encoded}}}")).secret(KEY).reveal() == "sk-1"
    assert documents(secret("stringData: {api.key: sk-2}")).secret(KEY).reveal() == "sk-2"
    assert documents("").secret(KEY).reveal() == "from-environment"


def test_string_data_wins_as_in_kubernetes() -> None:
    both = secret("stringData: {api.key: sk-2}\ndata: {api.key: c2stMQ==}")
    assert documents(both).secret(KEY).reveal() == "sk-2"


def test_a_config_map_is_taken_as_it_is() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prompts}\ndata: {examiner: ' Hi. '}\n"
    assert documents(text).text(PROMPT) == " Hi. "


def test_a_secret_and_a_config_map_of_one_name_are_two() -> None:
    with pytest.raises(MissingReference):
        References(load_text(secret("stringData: {api.key: x}"), "a").documents).text(
            KeyRef("ConfigMap", "my-keys", "api.key")
        )


def test_a_mounted_file_is_read_anew_at_each_use(tmp_path: Path) -> None:
    references = References(folder=tmp_path)
    with pytest.raises(MissingReference, match="my-keys, key api"):
        references.secret(KEY)
    file = tmp_path / "secrets" / "my-keys" / "api.key"
    file.parent.mkdir(parents=True)
    for text in ("sk-1\n", "sk-2\n"):
        file.write_text(text)
        assert references.secret(KEY).reveal() == text.strip()


def test_what_is_missing_is_told_with_what_helps_there(tmp_path: Path) -> None:
    with pytest.raises(MissingReference, match=f"same file, or set {KEY.variable}"):
        References(folder=tmp_path).secret(KEY)
    (tmp_path / "..data").symlink_to(tmp_path)  # as the kubelet mounts it
    with pytest.raises(MissingReference, match=r"Secret my-keys, key api\.key: not found; make it in the namespace"):
        References(folder=tmp_path).secret(KEY)


@pytest.mark.parametrize("value", ["", " \n", "sk\n1", "sk\x001", "sk\x7f", "sk\x85x"])
def test_a_secret_that_no_header_can_carry_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(MissingReference) as caught:
        References(environ={KEY.variable: value}).secret(KEY)
    assert "my-keys" in str(caught.value)
    assert caught.value.__cause__ is None
    assert "sk" not in str(caught.value).replace("my-keys", "")


def test_bytes_that_are_no_text_are_missing() -> None:
    encoded = base64.b64encode(b"\xff\xfe").decode()
    with pytest.raises(MissingReference):
        References(load_text(secret(f"data: {{api.key: {encoded}}}"), "a").documents).secret(KEY)


def test_nothing_shows_a_secret() -> None:
    loaded = load_text(secret("stringData: {api.key: sk-hidden}"), "a.yaml")
    hidden = Secret("sk-hidden")
    shown = [repr(hidden), str(hidden), f"{hidden}", f"{hidden:>40}", "%s" % hidden, repr({"k": hidden})]  # noqa: UP031
    shown += [repr(loaded.documents), repr(References(loaded.documents))]
    assert "sk-hidden" not in "".join(shown)
    with pytest.raises(TypeError):
        pickle.dumps(hidden)


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret(" a\n")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert copy.copy(Secret("a")) == Secret("a")
