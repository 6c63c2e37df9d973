"""Values that people really set, each with its right outcome; the first line of each file says it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scripts.chart_readme import CHART as README_CHART
from scripts.chart_readme import described, readme
from talk_gateway.settings import read
from tests.chart.helm import CASES, CHART, Refused, environment, helm, render, rooms

pytestmark = pytest.mark.timeout(120)
IDENTITY = {"auth": {"identity": {"existingSecret": "signing", "publicKeys": ["-----BEGIN PUBLIC KEY-----\nMCow\n"]}}}
DIGEST = "sha256:" + "a" * 64


def case(number: str) -> Path:
    return next(CASES.glob(f"{number}-*.yaml"))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"gateway": {"replicaCounts": 3}}, ["/gateway", "replicaCounts"]),
        ({"gatway": {}}, ["gatway"]),
        ({"redis": {"external": {"hosts": "a"}}}, ["/redis/external", "hosts"]),
        ({"agentDefaults": {"pod": {"hostNetwork": True}}}, ["/agentDefaults/pod", "hostNetwork"]),
        ({"gateway": {"replicas": "3"}}, ["/gateway/replicas", "string"]),
        ({"gateway": {"service": {"port": "80"}}}, ["/gateway/service/port", "string"]),
        ({"gateway": {"service": {"port": 70000}}}, ["/gateway/service/port"]),
        ({"gateway": {"limits": {"uploadBytes": "25MB"}}}, ["/gateway/limits/uploadBytes"]),
        ({"gateway": {"image": {"tag": 1.1}}}, ["/gateway/image/tag"]),
        ({"gateway": {"image": {"digest": "latest"}}}, ["/gateway/image/digest"]),
        ({"redis": {"enabled": "true"}}, ["/redis/enabled"]),
        ({"auth": {"mode": "off"}}, ["/auth/mode"]),
        ({"imagePullSecrets": "regcred"}, ["/imagePullSecrets"]),
        ({"gateway": {"drainSeconds": -1}}, ["/gateway/drainSeconds"]),
        ({"local": {"parts": ["vision"]}}, ["/local/parts/0"]),
        ({"monitoring": {"podMonitors": {"interval": "often"}}}, ["/monitoring/podMonitors/interval"]),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(values: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        render(values=values)
    assert all(word in str(refused.value) for word in named), refused.value


@pytest.mark.parametrize("number", ["V01", "V02"])
def test_cases_of_the_schema_are_refused(number: str) -> None:
    with pytest.raises(Refused, match="/gateway"):
        render(values=case(number))


def test_a_number_set_as_a_string_is_refused() -> None:
    with pytest.raises(Refused, match="got string, want integer"):
        render("--set-string", "gateway.replicas=3")


def test_big_numbers_stay_digits() -> None:
    rendered = render(values=case("V03"))
    env = environment(rooms(rendered)["talk-gateway"])
    assert (env["TALK_UPLOAD_BYTES"], env["TALK_BODY_BYTES"]) == ("26214400", "1048576")


def test_defaults_that_are_big_stay_digits() -> None:
    env = environment(rooms(render())["talk-gateway"])
    assert (env["TALK_UPLOAD_BYTES"], env["TALK_BODY_BYTES"]) == ("26214400", "1048576")


def test_an_umbrella_gives_registry_and_pull_secrets_to_all() -> None:
    shared = {"cloudRegion": "eu", "imageRegistry": "mirror.example.com:5000", "imagePullSecrets": ["a"]}
    rendered = render(values={"global": shared})
    for name, _, spec in rendered.pods():
        assert spec["imagePullSecrets"] == [{"name": "a"}], name
        assert spec["containers"][0]["image"].startswith("mirror.example.com:5000/"), name
        assert "ghcr.io" not in spec["containers"][0]["image"]
    render(values=case("V05"))


def test_the_chart_can_be_a_dependency(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts/talk").symlink_to(CHART)
    (tmp_path / "Chart.yaml").write_text(
        "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n"
        "dependencies: [{name: talk, version: '*', repository: 'file://charts/talk', condition: talk.enabled}]\n"
    )
    (tmp_path / "values.yaml").write_text("global: {cloudRegion: eu}\ntalk: {enabled: true}\n")
    assert "talk-gateway" in helm("template", "talk", str(tmp_path))
    assert "talk-gateway" not in helm("template", "talk", str(tmp_path), "--set", "talk.enabled=false")


@pytest.mark.parametrize("number", ["V08", "V09"])
def test_pull_secrets_reach_every_pod_and_those_of_agents(number: str) -> None:
    rendered = render("--set", "local.enabled=true", values=case(number))
    assert {name: spec["imagePullSecrets"] for name, _, spec in rendered.pods()} == {
        name: [{"name": "regcred"}]
        for name in ("talk-gateway", "talk-operator", "talk-redis", "talk-local", "talk-test")
    }
    assert operator_config(rendered)["imagePullSecrets"] == [{"name": "regcred"}]
    static = render("--set", "operator.enabled=false", values=case(number))
    assert {tuple(spec["imagePullSecrets"][0].items()) for _, _, spec in static.pods()} == {(("name", "regcred"),)}


def operator_config(rendered: Any) -> dict[str, Any]:
    text = rendered.one("ConfigMap", "talk-operator")["data"]["operator.yaml"]
    config: dict[str, Any] = YAML(typ="safe").load(text)
    return config


def test_a_digest_wins_over_a_tag() -> None:
    rendered = render(values=case("V10"))
    assert rooms(rendered)["talk-gateway"]["image"] == f"registry.example.com/talk/gateway@{DIGEST}"


def test_tags_are_versions() -> None:
    rendered = render("--set", "local.enabled=true")
    version = YAML(typ="safe").load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert {name: each["image"].rpartition(":")[2] for name, each in rooms(rendered).items()} == {
        **dict.fromkeys(("talk-gateway", "talk-operator", "talk-local", "talk-test"), version),
        "talk-redis": "8",
    }


def agent_env(rendered: Any) -> dict[str, Any]:
    return environment({"env": operator_config(rendered)["env"]})


def test_an_external_redis_takes_the_place_of_the_own() -> None:
    rendered = render(values=case("V12"))
    assert not rendered.all("StatefulSet")
    assert agent_env(rendered)["TALK_REDIS_HOST"] == "redis.example.com"
    assert agent_env(rendered)["TALK_REDIS_PASSWORD"] == {"secretKeyRef": {"name": "my-redis", "key": "password"}}


def test_an_external_redis_with_tls() -> None:
    rendered = render(values=case("V13"))
    env, config = agent_env(rendered), operator_config(rendered)
    assert env["TALK_REDIS_PORT"] == "6380"
    assert env["TALK_REDIS_TLS"] == "true"
    assert env["TALK_REDIS_USER"] == "talk"
    assert env["TALK_REDIS_CA_FILE"] == "/etc/talk-redis/ca.crt"
    pod = config["agentDefaults"]["pod"]
    assert pod["volumes"] == [{"name": "talk-redis-ca", "secret": {"secretName": "redis-ca"}}]
    assert pod["volumeMounts"][0]["mountPath"] == "/etc/talk-redis"
    assert {"ports": [{"protocol": "TCP", "port": 6380}]} in config["networkPolicy"]["egress"]


def test_a_password_is_never_drawn_without_a_cluster() -> None:
    rendered = render(values=case("V16"))
    assert not rendered.all("Secret")
    assert "talk-internal-talk-redis" in rendered.text
    assert render(values=case("V16")).text == rendered.text


def test_gitops_is_told_to_set_the_secret() -> None:
    with pytest.raises(Refused, match=r"redis\.auth\.existingSecret"):
        render("--api-versions", "v1/Secret", values=case("V16"))
    with pytest.raises(Refused, match=r"auth\.identity\.existingSecret"):
        render("--api-versions", "v1/Secret", "--set", "redis.auth.existingSecret=mine", values=case("V16"))
    with pytest.raises(Refused, match=r"auth\.identity\.publicKeys"):
        render("--set", "auth.identity.existingSecret=mine", values=case("V16"))
    values = ["--set", "redis.auth.existingSecret=mine", "--set-json", f"auth={json.dumps(IDENTITY['auth'])}"]
    render("--api-versions", "v1/Secret", *values, values=case("V16"))


def test_zero_replicas() -> None:
    rendered = render(values=case("V18"))
    assert rendered.one("Deployment", "talk-gateway")["spec"]["replicas"] == 0
    assert not rendered.all("PodDisruptionBudget")
    assert not rendered.all("HorizontalPodAutoscaler")


def test_one_pod_has_no_budget_that_blocks_a_drain() -> None:
    assert not render("--set", "gateway.replicas=1").all("PodDisruptionBudget")
    budget = render().one("PodDisruptionBudget", "talk-gateway")["spec"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_autoscaler_has_the_replicas_to_itself() -> None:
    rendered = render("--set", "gateway.autoscaling.enabled=true")
    assert "replicas" not in rendered.one("Deployment", "talk-gateway")["spec"]
    assert rendered.all("HorizontalPodAutoscaler")


@pytest.mark.parametrize("release", ["a" * 53, "a" * 52 + "b", "talk", "talk.prod", "3d", "x", "my-talk-" + "y" * 40])
def test_names_fit_and_differ(release: str) -> None:
    rendered = render("--set", "local.enabled=true", release=release, values=case("V20"))
    names = [each["metadata"]["name"] for each in rendered.objects if each["kind"] != "CustomResourceDefinition"]
    assert all(len(name) <= 63 for name in names)
    assert all(name[0].isalpha() for name in names)
    assert all("." not in each["metadata"]["name"] for each in rendered.all("Service"))
    # What Kubernetes appends to a StatefulSet's name is a label of its pods.
    assert all(len(each["metadata"]["name"]) <= 52 for each in rendered.all("StatefulSet"))
    for each in rendered.objects:
        assert all(len(str(value)) <= 63 for value in each["metadata"].get("labels", {}).values())


def test_releases_that_look_alike_have_other_names() -> None:
    names = [
        {each["metadata"]["name"] for each in render(release=release).all("Deployment")}
        for release in ("a" * 52 + "b", "a" * 53, "talk.prod", "talk-prod", "talk")
    ]
    assert len(set.union(*names)) == sum(map(len, names))


def test_a_node_port() -> None:
    assert render(values=case("V23")).one("Service", "talk-gateway")["spec"]["ports"][0]["nodePort"] == 30080
    assert "nodePort" not in render().one("Service", "talk-gateway")["spec"]["ports"][0]
    plain = render("--set", "gateway.service.nodePort=30080").one("Service", "talk-gateway")
    assert "nodePort" not in plain["spec"]["ports"][0]


def test_annotations_are_strings_everywhere() -> None:
    rendered = render(values=case("V24"))
    _, metadata, _ = next(pod for pod in rendered.pods() if pod[0] == "talk-gateway")
    assert metadata["annotations"]["prometheus.io/port"] == "9090"
    assert metadata["annotations"]["prometheus.io/scrape"] == "true"
    numbers = {"n": 25000000, "b": True, "f": 1.5}
    values = {
        "gateway": {
            "annotations": numbers, "podLabels": numbers, "nodeSelector": numbers,
            "service": {"annotations": numbers}, "serviceAccount": {"annotations": numbers},
        },
        "ingress": {"enabled": True, "hosts": [{"host": "a.example.com"}], "annotations": numbers},
        "auth": {"allowAnonymousIngress": True},
        "redis": {"podAnnotations": numbers, "persistence": {"annotations": numbers}},
        "agentDefaults": {"pod": {"annotations": numbers, "labels": numbers}},
        "commonLabels": numbers,
    }  # fmt: skip
    rendered = render(values=values)
    for each in rendered.objects:
        for field in ("annotations", "labels"):
            assert all(isinstance(value, str) for value in each["metadata"].get(field, {}).values()), each["metadata"]
    assert rendered.one("Ingress", "talk-gateway")["metadata"]["annotations"]["n"] == "25000000"
    assert operator_config(rendered)["agentDefaults"]["pod"]["annotations"] == {
        "n": "25000000",
        "b": "true",
        "f": "1.5",
    }


def test_no_host_is_no_ingress() -> None:
    assert not render(values=case("V26")).all("Ingress")


def test_ipv6_only() -> None:
    rendered = render(values=case("V31"))
    assert rendered.one("Service", "talk-gateway")["spec"]["ipFamilies"] == ["IPv6"]
    listening = {name: environment(each).get("TALK_HOST") for name, each in rooms(rendered).items()}
    assert listening["talk-gateway"] == listening["talk-operator"] == "*"


@pytest.mark.parametrize("route", ["ingress", "httpRoute"])
def test_nobody_opens_an_api_without_authentication_by_chance(route: str) -> None:
    given = {
        "enabled": True,
        **({"hosts": [{"host": "a.b"}]} if route == "ingress" else {"parentRefs": [{"name": "g"}]}),
    }
    with pytest.raises(Refused) as refused:
        render(values={route: given})
    assert "auth.mode" in str(refused.value)
    assert "auth.allowAnonymousIngress" in str(refused.value)
    assert render(values={route: given, "auth": {"allowAnonymousIngress": True}}).objects


def test_the_ingress_lets_a_recording_and_a_long_turn_through() -> None:
    values = {"ingress": {"enabled": True, "hosts": [{"host": "a.b"}]}, "auth": {"allowAnonymousIngress": True}}
    annotations = render(values=values).one("Ingress", "talk-gateway")["metadata"]["annotations"]
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-body-size"]) > 26214400
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > 180


def test_own_environment_wins_and_is_there_once() -> None:
    rendered = render(values={"gateway": {"extraEnv": [{"name": "TALK_TURN_TIMEOUT", "value": 90}]}})
    env = rooms(rendered)["talk-gateway"]["env"]
    assert [each for each in env if each["name"] == "TALK_TURN_TIMEOUT"] == [
        {"name": "TALK_TURN_TIMEOUT", "value": "90"}
    ]
    assert len({each["name"] for each in env}) == len(env)


def test_a_model_of_ones_own_replaces_the_offline_one() -> None:
    offline = operator_config(render("--set", "local.enabled=true"))["agentDefaults"]["model"]
    assert offline == {"name": "openai/demo", "baseURL": "http://talk-local.voice.svc.cluster.local:8090/v1"}
    model = {"name": "openai/gpt-4.1-mini", "apiKeySecretRef": {"name": "openai", "key": "apiKey"}}
    own = operator_config(render(values={"local": {"enabled": True}, "agentDefaults": {"model": model}}))
    assert own["agentDefaults"]["model"] == model


def test_the_crd_is_kept_and_belongs_to_one_release() -> None:
    crd = render().one("CustomResourceDefinition", "talkagents.talk.dwani.ai")
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert not render("--set", "crds.install=false").all("CustomResourceDefinition")


def test_talks_own_secrets_and_claims_cannot_be_named_by_a_talkagent() -> None:
    stateful = render().one("StatefulSet", "talk-redis")
    claim = stateful["spec"]["volumeClaimTemplates"][0]["metadata"]
    assert claim["name"].startswith("talk-internal-")
    assert claim["labels"]["talk.dwani.ai/internal"] == "true"
    secret = stateful["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]
    assert secret["name"].startswith("talk-internal-")
    assert operator_config(render(values=case("V12")))["reserved"]["secrets"] == ["my-redis"]
    # What Kubernetes calls the claim of the one pod.
    claimed = f"{claim['name']}-{stateful['metadata']['name']}-0"
    assert operator_config(render())["reserved"]["claims"] == [claimed]
    assert not operator_config(render(values=case("V12")))["reserved"]["claims"]


def test_agents_ask_dns_where_the_values_say() -> None:
    policy = operator_config(render("--set", "networkPolicy.dns.ports={5353}"))["networkPolicy"]
    assert policy["dnsPorts"] == [5353]
    assert not [rule for rule in policy["egress"] if {"port": 5353, "protocol": "UDP"} in rule["ports"]]


def test_every_setting_of_the_chart_is_one_of_talk() -> None:
    from talk_kit.settings import unknown_names

    for scenario in sorted((CHART / "ci").glob("*.yaml")):
        rendered = render("--set", "local.enabled=true", values=scenario)
        for name, container in rooms(rendered).items():
            assert not list(unknown_names(dict.fromkeys(environment(container), ""))), name
        if rendered.all("CustomResourceDefinition"):
            assert not list(unknown_names(dict.fromkeys(agent_env(rendered), "")))


def test_the_readme_is_current() -> None:
    assert (README_CHART / "README.md").read_text() == readme()


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text()
    known = {value.path for value in described(text.splitlines())}
    undescribed = [
        ".".join(path)
        for path in leaves(YAML(typ="safe").load(text))
        if not any(path[: len(each)] == each for each in known)
    ]
    assert undescribed in ([], ["gateway.updateStrategy.type"])


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all values that are no mapping, or an empty one."""
    if not isinstance(value, dict) or not value:
        return [path]
    return [leaf for key, member in value.items() for leaf in leaves(member, (*path, key))]


def test_the_schema_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text())
    assert set(values) <= set(schema["properties"])
    assert schema["additionalProperties"] is False


LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def test_every_pod_but_redis_leaves_a_lost_node_soon() -> None:
    rendered = render("--set", "local.enabled=true")
    told = {
        name: {each["key"]: each["tolerationSeconds"] for each in pod.get("tolerations", [])}
        for name, _, pod in rendered.pods()
        if name != "talk-test"
    }
    assert told.pop("talk-redis") == {}
    assert set(told) == {"talk-gateway", "talk-operator", "talk-local"}
    assert all(each == dict.fromkeys(LOST, 5) for each in told.values())


def test_what_values_say_of_a_lost_node_wins() -> None:
    own = {"key": LOST[0], "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    rendered = render(values={"gateway": {"tolerations": [own]}, "operator": {"tolerations": [{"operator": "Exists"}]}})
    pods = {name: pod for name, _, pod in rendered.pods()}
    seconds = {each["key"]: each["tolerationSeconds"] for each in pods["talk-gateway"]["tolerations"]}
    assert seconds == {LOST[0]: 60, LOST[1]: 5}
    assert pods["talk-operator"]["tolerations"] == [{"operator": "Exists"}]


def test_no_constraint_asks_for_a_label_that_a_node_may_not_have() -> None:
    """It would switch off a pod's other soft constraints: zones are wished for by affinity."""
    pods = {name: pod for name, _, pod in render().pods()}
    gateway = pods["talk-gateway"]
    assert [each["topologyKey"] for each in gateway["topologySpreadConstraints"]] == ["kubernetes.io/hostname"]
    wishes = gateway["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [each["podAffinityTerm"]["topologyKey"] for each in wishes] == ["topology.kubernetes.io/zone"]
    own = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}
    pods = {name: pod for name, _, pod in render(values={"gateway": {"topologySpreadConstraints": [own]}}).pods()}
    assert pods["talk-gateway"]["topologySpreadConstraints"] == [own]
    assert "affinity" not in pods["talk-gateway"]


def test_api_keys_come_from_a_mounted_secret_that_no_agent_may_name() -> None:
    rendered = render(values={"auth": {"mode": "apiKey", "apiKey": {"existingSecret": "callers"}}})
    spec = rendered.one("Deployment", "talk-gateway")["spec"]["template"]["spec"]
    env = {each["name"]: each.get("value") for each in spec["containers"][0]["env"]}
    assert (env["TALK_AUTH_MODE"], env["TALK_AUTH_FILE"]) == ("apiKey", "/etc/talk/api-keys/keys.json")
    (volume,) = [each for each in spec["volumes"] if each["name"] == "api-keys"]
    assert volume["secret"]["secretName"] == "callers"
    assert "callers" in operator_config(rendered)["reserved"]["secrets"]


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"mode": "apiKey"}, "auth.apiKey.existingSecret"),
        ({"mode": "oidc", "oidc": {"issuer": "https://id.example.com"}}, "auth.oidc.issuer and auth.oidc.audience"),
        ({"mode": "oidc", "oidc": {"algorithms": ["HS256"]}}, "algorithms"),
        ({"mode": "open"}, "auth.mode|/auth/mode"),
    ],
)
def test_half_an_authentication_is_refused(auth: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused, match=told):
        render(values={"auth": auth})


def test_the_gateway_reaches_the_issuer_of_tokens() -> None:
    oidc = {"issuer": "https://id.auth.svc:8443/realms/talk", "audience": "talk"}
    rendered = render(values={"auth": {"mode": "oidc", "oidc": oidc}})
    egress = rendered.one("NetworkPolicy", "talk-gateway")["spec"]["egress"]
    peers = [peer for rule in egress for peer in rule.get("to", [])]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "auth"}}} in peers


def test_the_gateway_alone_has_the_key_that_tells_agents_who_calls() -> None:
    rendered = render(values={**IDENTITY, "watchNamespaces": ["team"], "operator": {"enabled": False}})
    assert {each["metadata"]["namespace"] for each in rendered.all("ConfigMap") if "identity" in str(each["data"])} >= {
        "team"
    }
    for name, _, spec in rendered.pods():
        secrets = [volume["secret"]["secretName"] for volume in spec.get("volumes", []) if "secret" in volume]
        assert ("signing" in secrets) is (name == "talk-gateway"), name
    agent = rendered.one("Deployment", "talkagent-assistant")["spec"]["template"]["spec"]
    assert environment(agent["containers"][0])["TALK_IDENTITY_PUBLIC_FILE"] == "/etc/talk-identity/identity.pub"
    assert operator_config(render(values=IDENTITY))["reserved"]["secrets"].count("signing") == 1


SPEECH = {
    "providers": [
        {
            "name": "default",
            "baseURL": "http://speech.models.svc:8000/v1",
            "existingSecret": "main",
            "transcription": {"model": "whisper", "fallbacks": ["backup"]},
        },
        {
            "name": "backup",
            "baseURL": "https://speech.example.com/v1",
            "existingSecret": "other",
            "existingSecretKey": "token",
            "speech": {"voice": "nova", "fallbacks": ["default"]},
        },
        {"name": "keyless", "baseURL": "http://10.0.0.9:8000/v1"},
    ]
}


def test_named_speech_providers_reach_the_gateway_with_their_keys_as_files() -> None:
    rendered = render(values={"speech": SPEECH})
    spec = rendered.one("Deployment", "talk-gateway")["spec"]["template"]["spec"]
    found = environment(spec["containers"][0])
    assert found["TALK_ASR_FALLBACKS"] == "backup"
    assert "TALK_TTS_FALLBACKS" not in found
    assert found["TALK_ASR_API_KEY_FILE"] == found["TALK_TTS_API_KEY_FILE"] == "/etc/talk/speech/default/apiKey"
    assert json.loads(found["TALK_SPEECH_PROVIDERS"]) == [
        {
            "name": "backup",
            "baseURL": "https://speech.example.com/v1",
            "apiKeyFile": "/etc/talk/speech/backup/apiKey",
            "speech": {"voice": "nova", "fallbacks": ["default"]},
        },
        {"name": "keyless", "baseURL": "http://10.0.0.9:8000/v1"},
    ]
    volumes = {each["name"]: each.get("secret") for each in spec["volumes"]}
    mounts = {each["mountPath"]: volumes[each["name"]] for each in spec["containers"][0]["volumeMounts"]}
    assert mounts["/etc/talk/speech/backup"] == {
        "secretName": "other", "optional": True, "items": [{"key": "token", "path": "apiKey"}],
    }  # fmt: skip
    assert mounts["/etc/talk/speech/default"]["items"] == [{"key": "apiKey", "path": "apiKey"}]
    assert len(volumes) == len({*volumes}) == 5


def test_the_gateway_reads_what_the_chart_says_of_providers_and_bounds() -> None:
    found = environment(rooms(render(values={"speech": SPEECH}))["talk-gateway"])
    settings = read({name: value for name, value in found.items() if isinstance(value, str)})
    assert [each.name for each in settings.speech_providers] == ["backup", "keyless"]
    assert settings == replace(
        settings, turns=200, agent_turns=100, retries=1, breaker_failures=5, breaker_seconds=10, connect_timeout=5
    )
