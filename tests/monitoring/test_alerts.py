"""Each alert fires, with exact labels and texts, not a minute early, and never for a healthy system."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import slo_rules
from scripts.metrics_inventory import declared, every_series
from talk_gateway.metrics import FAULTS
from tests.monitoring.alerts import FILES, ROOT, Alert, alerts, judged, names, promtool, rules
from tests.monitoring.firing import FIRING
from tests.monitoring.healthy import MINUTES, healthy

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.id)


@each_alert
def test_it_fires_with_exact_labels_and_not_a_minute_before(alert: Alert, tmp_path: Path) -> None:
    firing = FIRING[alert.id]
    slo = {"slo": re.findall(r'slo="(\w+)"', alert.expr)[0]} if "burn" in alert.labels else {}
    labels = {**slo, **alert.labels, **firing.namespace, **firing.labels}
    exact = {"exp_labels": labels, "exp_annotations": alert.rendered(labels, firing.value)}
    expected = [(firing.at - firing.step, []), (firing.at, [exact])]
    assert not judged(tmp_path, alert, firing.series, expected, firing.step)


@each_alert
def test_it_is_silent_while_all_is_well(alert: Alert, tmp_path: Path) -> None:
    series = healthy()
    shown = {name.split("{")[0] for name in series}
    missing = {name for name in names(alert.expr) if ":" not in name} - shown
    assert not missing, "silence says nothing where the healthy system lacks what the alert looks at"
    assert not judged(tmp_path, alert, series, [(minute, []) for minute in (MINUTES // 2, MINUTES)])


def test_each_alert_has_a_case_and_each_case_an_alert() -> None:
    assert {alert.id for alert in alerts()} == FIRING.keys()


def test_promtool_accepts_every_file() -> None:
    done = promtool("check", "rules", *map(str, FILES))
    assert done.returncode == 0, done.stdout + done.stderr


@each_alert
def test_its_links_resolve(alert: Alert) -> None:
    url, _, anchor = alert.annotations["runbook_url"].partition("#")
    assert url == slo_rules.RUNBOOK
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    assert anchor == alert.name.lower()
    assert alert.name in headings
    board = alert.annotations["dashboard_url"].removeprefix("/d/").partition("?")[0]
    assert (ROOT / "dashboards" / f"{board}.json").exists()


@each_alert
def test_it_says_what_is_wrong_and_how_bad_it_is(alert: Alert) -> None:
    assert alert.annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert alert.labels["severity"] in ("critical", "warning")
    text = alert.annotations["summary"] + alert.annotations["description"]
    known = {name for firing in FIRING.values() for name in {**firing.namespace, **firing.labels}}
    assert set(re.findall(r"\$labels\.(\w+)", text)) <= known
    compared = re.search(r"[<>]=? *[\d.]+$", alert.expr) and "== 0" not in alert.expr
    assert not compared or "$value" in text, "an alert on a number shows it"


def test_agents_of_one_name_in_two_namespaces_are_told_apart() -> None:
    for _, rule in rules():
        for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
            assert "namespace" in labels.split(", "), rule["expr"]
        assert not re.search(r"\b(?:sum|max|min|avg|count)\(", rule["expr"]), rule["expr"]


def test_rules_name_only_what_is_declared() -> None:
    recorded = {rule["record"] for _, rule in rules() if "record" in rule}
    known = every_series() | recorded
    operator = bool(declared("operator"))
    for file, rule in rules():
        if operator or file.stem != "operator.rules":
            assert names(rule["expr"]) <= known, file


def test_bounds_of_buckets_are_written_as_the_processes_write_them() -> None:
    written = {str(bound) for room in ("gateway", "agent", "local") for m in declared(room) for bound in m.buckets}
    for _, rule in rules():
        for bound in re.findall(r'le="([^"]*)"', rule["expr"]):
            assert bound in written, rule["expr"]


def test_a_ratio_of_counters_is_kept_between_0_and_1() -> None:
    for _, rule in rules():
        if re.search(r"rate\(.*\n? *\/ .*rate\(", rule["expr"], re.DOTALL):
            assert "clamp(" in rule["expr"], rule["expr"]


def test_the_rules_of_the_slos_are_those_of_the_table() -> None:
    assert slo_rules.RULES.read_text() == slo_rules.rules(slo_rules.read()), "run `make reference`"


def test_the_codes_that_count_against_talk_are_all_in_the_objective() -> None:
    (slo,) = [slo for slo in slo_rules.read() if slo.name == "turn_success"]
    (codes,) = re.findall(r'code=~"([^"]+)"', slo.bad)
    assert codes.split("|") == sorted(FAULTS)


def test_the_reasons_of_an_invalid_talkagent_are_those_that_the_operator_gives() -> None:
    (alert,) = [alert for alert in alerts() if alert.name == "TalkAgentInvalid"]
    (reasons,) = re.findall(r'reason=~"([^"]+)"', alert.expr)
    given = "".join(file.read_text() for file in (ROOT / "operator/talk_operator").glob("*.py"))
    assert all(f'"{reason}"' in given for reason in reasons.split("|"))


def test_an_objective_that_no_burn_rate_can_miss_is_refused() -> None:
    (slo, *_) = slo_rules.read()
    hopeless = slo_rules.Slo(
        **{field: getattr(slo, field) for field in slo.__slots__ if field != "objective"}, objective=90.0
    )
    with pytest.raises(ValueError, match="never fires"):
        slo_rules.rules([hopeless])
