"""What the API server spells its own way is no difference; what says something else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_operator.difference import APPLIED_HASH, differs, quantity, with_hash


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"cpu": "0.5"}, {"cpu": "500m"}),
        ({"cpu": 2}, {"cpu": "2"}),
        ({"memory": "1024Mi"}, {"memory": "1Gi"}),
        ({"memory": "1e3"}, {"memory": "1k"}),
        ({"requests": {}}, {}),
        ({"list": []}, {}),
        ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
        ({"readOnly": False}, {}),
        ({"ports": [{"name": "a", "port": 1}]}, {"ports": [{"name": "b"}, {"name": "a", "port": 1, "x": 1}]}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]},
         {"volumeMounts": [{"name": "v", "mountPath": "/b"}, {"name": "v", "mountPath": "/a", "readOnly": False}]}),
    ],
)  # fmt: skip
def test_no_difference(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    assert not differs(wanted, live)


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"cpu": "500m"}, {"cpu": "501m"}),
        ({"automount": False}, {"automount": True}),
        ({"replicas": 0}, {"replicas": 3}),
        ({"replicas": 1}, {}),
        ({"value": "a"}, {"value": "b"}),
        ({"value": "1"}, {"value": True}),
        ({"drop": ["ALL"]}, {"drop": []}),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}),
        ({"rules": []}, {"rules": ["x"]}),
        ({"ports": [{"name": "a", "port": 1}]}, {"ports": [{"name": "a", "port": 2}]}),
        ({"metadata": {"annotations": {APPLIED_HASH: "1"}}}, {"metadata": {"annotations": {APPLIED_HASH: "2"}}}),
    ],
)
def test_a_difference(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    assert differs(wanted, live)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_thing_does_not_differ_from_itself(thing: Any) -> None:
    assert not differs({"x": thing}, {"x": thing, "y": 1})


def test_the_hash_tells_what_was_wanted_before() -> None:
    wanted = {"metadata": {"name": "a"}, "spec": {"b": 1}}
    assert with_hash(wanted) == with_hash({"spec": {"b": 1}, "metadata": {"name": "a"}})
    assert with_hash(wanted) != with_hash({**wanted, "spec": {}})


@pytest.mark.parametrize("text", ["", "m", "abc", "1x", None, "Gi", "--1"])
def test_what_is_no_quantity(text: Any) -> None:
    assert quantity(text) is None
