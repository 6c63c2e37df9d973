"""What the chart gives to Prometheus and Grafana."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.chart.helm import CHART, ROOT, Object, Refused, Rendered, render
from tests.monitoring.alerts import promtool

pytestmark = pytest.mark.timeout(120)
VALUES = CHART / "ci/monitoring-values.yaml"
CRDS = "monitoring.coreos.com/v1"


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    return render(values=VALUES)


def monitored(objects: Rendered) -> dict[str, Object]:
    return {each["metadata"]["name"]: each["spec"] for each in objects.all("PodMonitor")}


def test_nothing_of_it_is_there_until_asked_for() -> None:
    plain = render("--set", "local.enabled=true")
    assert not [each for each in plain.objects if each["apiVersion"].startswith(CRDS)]
    assert not [each for each in plain.all("ConfigMap") if "dashboard" in each["metadata"]["name"]]


@pytest.mark.parametrize("part", ["podMonitors", "rules", "dashboards"])
def test_each_part_has_a_switch_of_its_own(part: str) -> None:
    kinds = {"podMonitors": "PodMonitor", "rules": "PrometheusRule", "dashboards": "ConfigMap"}
    made = render("--set", f"monitoring.{part}.enabled=true")
    found = [
        each
        for each in made.objects
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "monitoring"
    ]
    assert found
    assert {each["kind"] for each in found} == {kinds[part]}


def test_every_pod_that_has_metrics_is_scraped_under_its_parts_name(rendered: Rendered) -> None:
    monitors = monitored(rendered)
    for name, metadata, spec in rendered.pods():
        ports = [port["name"] for each in spec["containers"] for port in each.get("ports", [])]
        if "metrics" in ports:
            wanted = monitors[name]["selector"]["matchLabels"]
            assert wanted.items() <= metadata["labels"].items()
    assert monitors.keys() == {"talk-gateway", "talk-operator", "talk-local", "talk-agents"}
    for name, spec in monitors.items():
        (endpoint,) = spec["podMetricsEndpoints"]
        assert endpoint["port"] == "metrics"
        assert {"targetLabel": "job", "replacement": name} in endpoint["relabelings"]
        assert {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"} in endpoint["relabelings"]


def test_agents_are_scraped_in_every_namespace_that_is_served_and_the_rest_in_its_own(rendered: Rendered) -> None:
    namespaces = {name: spec["namespaceSelector"]["matchNames"] for name, spec in monitored(rendered).items()}
    assert namespaces.pop("talk-agents") == ["voice", "team-a"]
    assert set(map(tuple, namespaces.values())) == {("voice",)}


def test_agents_that_the_chart_makes_itself_are_scraped_too() -> None:
    static = render("--set", "monitoring.podMonitors.enabled=true", values=CHART / "ci/static-values.yaml")
    (chosen,) = monitored(static)["talk-agents"]["selector"]["matchExpressions"]
    assert "talk-operator" not in monitored(static)
    agents = [metadata for name, metadata, _ in static.pods() if name.startswith("talkagent-")]
    assert agents
    assert all(chosen["key"] in metadata["labels"] for metadata in agents)


def test_who_may_read_metrics_reaches_the_port_of_every_part_and_no_other_does(rendered: Rendered) -> None:
    peers = YAML(typ="safe").load(VALUES.read_text())["networkPolicy"]["metricsFrom"]
    config = YAML(typ="safe").load(rendered.one("ConfigMap", "talk-operator")["data"]["operator.yaml"])
    ingress = {each["metadata"]["name"]: each["spec"].get("ingress") or [] for each in rendered.all("NetworkPolicy")}
    ingress["agents"] = config["networkPolicy"]["ingress"]
    for name in ("talk-gateway", "talk-operator", "talk-local", "agents"):
        (rule,) = [rule for rule in ingress[name] if rule["ports"] == [{"protocol": "TCP", "port": 9090}]]
        assert rule["from"] == peers, name


def test_rules_are_those_of_the_repository_with_grafanas_address(rendered: Rendered, tmp_path: Path) -> None:
    files = sorted((ROOT / "alerts").glob("*.rules.yaml"))
    made = {each["metadata"]["name"]: each["spec"] for each in rendered.all("PrometheusRule")}
    assert made.keys() == {f"talk-{file.name.removesuffix('.rules.yaml')}" for file in files}
    for file in files:
        spec = made[f"talk-{file.name.removesuffix('.rules.yaml')}"]
        written = file.read_text().replace('"/d/', '"https://grafana.example.com/d/')
        assert spec == YAML(typ="safe").load(written)
        (tmp_path / file.name).write_text(json.dumps(spec))
    done = promtool("check", "rules", *map(str, sorted(tmp_path.iterdir())))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_waits_for_an_operator_that_is_not_installed() -> None:
    static = render("--set", "monitoring.rules.enabled=true", values=CHART / "ci/static-values.yaml")
    assert "talk-operator" not in {each["metadata"]["name"] for each in static.all("PrometheusRule")}


def test_dashboards_are_those_of_the_repository(rendered: Rendered) -> None:
    found = [each for each in rendered.all("ConfigMap") if "grafana_dashboard" in each["metadata"]["labels"]]
    given = {file: json.loads(text) for each in found for file, text in each["data"].items()}
    assert given == {file.name: json.loads(file.read_text()) for file in (ROOT / "dashboards").glob("*.json")}
    assert all(each["metadata"]["annotations"] == {"grafana_folder": "Talk"} for each in found)


def test_monitors_go_where_their_prometheus_looks() -> None:
    values = {
        part: {"enabled": True, "namespace": "monitoring", "labels": {"release": "stack"}}
        for part in ("podMonitors", "rules", "dashboards")
    }
    made = render(values={"monitoring": values})
    found = [
        each["metadata"]
        for each in made.objects
        if each["metadata"]["labels"].get("app.kubernetes.io/component") == "monitoring"
    ]
    assert {(each["namespace"], each["labels"]["release"]) for each in found} == {("monitoring", "stack")}
    assert monitored(made)["talk-gateway"]["namespaceSelector"]["matchNames"] == ["voice"]


def test_a_second_release_scrapes_its_own_pods_only() -> None:
    other = render("--set", "monitoring.podMonitors.enabled=true", release="other")
    wanted = monitored(other)["other-talk-gateway"]["selector"]["matchLabels"]
    assert wanted["app.kubernetes.io/instance"] == "other"


def test_a_label_that_is_no_text_is_quoted() -> None:
    made = render("--set", "monitoring.rules.enabled=true", "--set", "monitoring.rules.labels.tier=1")
    assert made.all("PrometheusRule")[0]["metadata"]["labels"]["tier"] == "1"


def test_a_grafana_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="grafanaURL"):
        render("--set", "monitoring.rules.grafanaURL=grafana")
