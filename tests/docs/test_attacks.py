"""The list of attacks, the page that shows it and the tests that it names are one."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.docs.pages import ROOT
from tests.e2e.attacks import ATTACKS, E2E, Ran, happened, page_table, shown


def functions(file: Path) -> set[str]:
    """Names of the tests in a file."""
    tree = ast.parse(file.read_text())
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name for node in defined if node.name.startswith("test_")}


def test_every_test_that_the_list_names_is_there() -> None:
    for each in ATTACKS:
        assert each.tests
        for test in each.tests:
            file, _, function = test.partition("::")
            assert function in functions(ROOT / file), test


def test_every_attack_on_the_cluster_is_in_the_list() -> None:
    listed = {test for each in ATTACKS for test in each.tests}
    for file in sorted((ROOT / E2E).glob("test_attacks*.py")):
        for function in functions(file):
            assert f"{E2E}/{file.name}::{function}" in listed


def test_the_page_shows_the_list() -> None:
    assert page_table() in (ROOT / "docs/how-to/secure.md").read_text()


def test_a_run_is_told_with_what_it_saw_and_what_went_wrong() -> None:
    first = ATTACKS[0]
    (row,) = happened({first.tests[0]: [Ran(True, ["B: 404"])], "another::test": [Ran(False, [])]})[:1]
    assert (row["held"], row["happened"], row["evidence"]) == (True, first.outcome, ["B: 404"])
    (row,) = happened({first.tests[0]: [Ran(True, []), Ran(False, [])]})[:1]
    assert not row["held"]
    assert first.tests[0] in shown([row])
    assert happened({}) == []
