"""What has been tried against an installed Talk: the list that docs/how-to/secure.md shows and `make e2e` reports.

Most entries name tests that stand where their subject is; a test keeps names, page and list together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

# Says one line of what a test saw.
Tell = Callable[[str], None]
E2E, GATEWAY = "tests/e2e", "tests/unit/talk_gateway"


@dataclass(frozen=True)
class Attack:
    """`tests` are `file::function`: those in tests/e2e ask a cluster, the others real processes or sockets.

    Of what they tell, lines that begin with one of `shows` are about this attack.
    """

    attack: str
    tried: str
    outcome: str
    tests: tuple[str, ...]
    shows: tuple[str, ...] = ("",)

    @property
    def on_a_cluster(self) -> tuple[str, ...]:
        return tuple(test for test in self.tests if test.startswith(E2E))


@dataclass
class Ran:
    """One test of the list in this run: whether it passed, and what it told of what it saw."""

    passed: bool
    evidence: list[str]


ATTACKS = (
    Attack(
        "Another caller's session", "caller B sends caller A's session id", "404, as for one that never was",
        (f"{E2E}/test_callers.py::test_strangers_are_refused_and_sessions_belong_to_their_callers",),
    ),
    Attack(
        "No credentials, or guessed or revoked ones",
        "turns without a key, with a new one, with one taken out of the Secret",
        "401",
        (
            f"{E2E}/test_callers.py::test_strangers_are_refused_and_sessions_belong_to_their_callers",
            f"{E2E}/test_callers.py::test_a_revoked_key_is_refused_without_a_restart",
        ),
    ),
    Attack(
        "Another agent or route by its name",
        "`../`, `%2e%2e%2f`, double encoding, `%00`, full-width and look-alike letters, case, dots, ports, `@host`",
        "400 or 404; no agent is asked",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            f"{GATEWAY}/test_hostile_requests.py::test_no_path_reaches_another_agent_or_route",
            f"{GATEWAY}/test_hostile_requests.py::test_no_agent_name_reaches_another_agent",
        ),
        ("names in paths",),
    ),
    Attack(
        "A forged identity, straight to an agent's pod",
        "from the gateway's own pod: none, garbage, another key's, an expired one, another agent's, another session's",
        "401; the right one is answered",
        (
            f"{E2E}/test_attacks.py::test_an_agent_takes_no_identity_but_a_fresh_one_of_its_own",
            f"{E2E}/test_callers.py::test_an_agent_answers_what_its_own_gateway_signed_and_nothing_else",
        ),
    ),
    Attack(
        "Straight to an agent's pod", "a connection from a pod that is not the gateway's", "none is let through",
        (f"{E2E}/test_network_flows.py::test_a_pod_of_nobody_reaches_the_gateway_and_metrics_alone",),
    ),
    Attack(
        "A pod that scans its neighbours",
        "a foreign pod, and an agent's: every Service's ports, and 255 ports of every pod of Talk",
        "open are the declared flows, and nothing else",
        (f"{E2E}/test_attacks.py::test_a_scan_finds_the_declared_flows_and_nothing_else",),
        ("outsider", "agent"),
    ),
    Attack(
        "SSRF by a TalkAgent's `baseURL`",
        "169.254.169.254 plain, decimal, hexadecimal, octal and within IPv6; the API server by name and address; Redis",
        "refused by the admission policy, or `BaseURLRefused`; no pod is made",
        (
            f"{E2E}/test_attacks.py::test_no_base_url_leads_to_metadata_the_api_server_or_redis",
            "tests/unit/talk_operator/test_base_urls.py"
            "::test_link_local_loopback_the_api_server_and_redis_are_refused_whatever_is_allowed",
        ),
    ),
    Attack(
        "SSRF from within an agent's pod",
        "connections to 169.254.169.254 in any spelling, the API server, other namespaces, other agents",
        "none is let through",
        (
            f"{E2E}/test_attacks.py::test_a_scan_finds_the_declared_flows_and_nothing_else",
            f"{E2E}/test_network_flows.py::test_a_pod_reaches_what_its_policy_declares_and_nothing_else",
        ),
        ("agent",),
    ),
    Attack(
        "SSRF by a redirect", "a provider that answers 307 to another address", "an error; nothing is followed",
        ("tests/unit/talk_kit/test_http_client.py::test_a_redirect_is_an_answer_never_followed",),
    ),
    Attack(
        "Bodies over their size", "27 MB as a recording, declared and chunked; JSON over its limit", "413",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            f"{GATEWAY}/test_hostile_requests.py::test_a_body_over_its_size_is_refused_declared_or_not",
        ),
        ("large body",),
    ),
    Attack(
        "Slow heads and bodies", "a byte in half a second, in a head, in JSON and in an upload",
        "408 after 20 s of a head and 10 s of a body, and the connection is closed",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            "tests/unit/talk_kit/test_connections.py"
            "::test_a_head_that_does_not_end_is_closed_in_time_whatever_drips_in",
            f"{GATEWAY}/test_hostile_requests.py::test_a_recording_is_served_beside_many_that_stop",
        ),
        ("slow",),
    ),
    Attack(
        "Heads and trailers over their size", "100 KB, 200 fields, a trailer and a chunk's extension without end",
        "431, and the connection is closed",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            "tests/unit/talk_kit/test_connections.py"
            "::test_a_head_over_its_bounds_is_refused_and_its_connection_closed",
            "tests/unit/talk_kit/test_connections.py::test_a_trailer_or_an_extension_that_never_ends_is_refused",
        ),
        ("large head", "many fields", "endless trailer"),
    ),
    Attack(
        "Headers smuggled behind a body", "fields in the trailer of a chunked body", "dropped",
        (
            "tests/unit/talk_kit/test_connections.py::test_fields_after_a_body_are_no_headers",
            f"{GATEWAY}/test_hostile_requests.py::test_fields_after_a_body_name_no_session",
        ),
    ),
    Attack(
        "Decompression bombs", "30 MB of JSON in 30 KB of gzip; recordings that are much longer than their file",
        "400: no body is unpacked; sound is cut at its bound",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            f"{GATEWAY}/test_hostile_requests.py::test_a_compressed_body_is_not_unpacked",
            f"{GATEWAY}/audio/test_decode.py::test_hours_in_a_small_file_are_stopped_at_the_bound",
        ),
        ("decompression bomb",),
    ),
    Attack(
        "A recording that names other files", "playlists and movies whose samples are in another file, or at a URL",
        "415, and nothing is read",
        (
            f"{GATEWAY}/audio/test_decode.py::test_a_playlist_reads_no_other_file",
            f"{GATEWAY}/audio/test_decode.py::test_a_movie_whose_samples_are_in_another_file_is_refused",
        ),
    ),
    Attack(
        "Deep and broken JSON",
        "30,000 lists in one another, invalid UTF-8, lone surrogates, control characters",
        "400",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            f"{GATEWAY}/test_hostile_requests.py::test_deep_broken_and_compressed_json_is_invalid",
        ),
        ("deep JSON", "no HTTP"),
    ),
    Attack(
        "1,000 connections that say nothing", "held while a turn is asked",
        "the turn is answered, and memory grows by less than 64 MB",
        (
            f"{E2E}/test_attacks.py::test_a_siege_is_answered_and_leaves_the_gateway_well",
            "tests/unit/talk_kit/test_connections.py"
            "::test_of_too_many_connections_the_one_that_idled_longest_goes",
        ),
        ("a turn", "memory"),
    ),
    Attack(
        "A TalkAgent that takes the host, or privileges",
        "`hostPath`, `hostNetwork`, `hostPID`, `securityContext`, `projected` and `csi` volumes",
        "refused by the schema, or dropped; nothing of it reaches a pod",
        (
            f"{E2E}/test_attacks.py::test_no_spec_takes_the_host_privileges_or_what_is_talks_own",
            f"{E2E}/test_talkagent_cases.py::test_a_wrong_file_is_refused_and_told_why",
        ),
    ),
    Attack(
        "A TalkAgent that takes what is Talk's own",
        "its Secrets, ConfigMaps and claims as volume, `env`, key or instruction; `TALK_*` in `pod.env`; its labels",
        "refused by the schema, or `ReservedName`",
        (
            f"{E2E}/test_attacks.py::test_no_spec_takes_the_host_privileges_or_what_is_talks_own",
            f"{E2E}/test_talkagent_cases.py::test_the_claim_of_redis_is_nobodys_to_mount",
        ),
    ),
    Attack(
        "A TalkAgent with another's ServiceAccount, or an image that the platform does not know",
        "`spec.image` and `serviceAccountName` beside what `authors` of the values allow",
        "refused by the admission policy and by the operator",
        (
            f"{E2E}/test_authors.py::test_the_policy_and_the_operator_agree_on_every_case",
            "tests/unit/talk_kit/talkagent/test_authors.py"
            "::test_what_it_does_not_allow_is_told_with_field_value_and_whom_to_ask",
        ),
    ),
    Attack(
        "Another agent's conversations, from within an agent's pod",
        "its keys in the chart's Redis by name, by listing and by script; the password of Redis in what the pod has",
        "Redis gives the pod's user its own agent's alone; the password is not there",
        (
            f"{E2E}/test_redis_users.py::test_an_agents_pod_reads_its_own_conversations_and_no_others",
            f"{E2E}/test_redis_users.py::test_no_container_that_stays_has_the_password_of_redis",
        ),
    ),
    Attack(
        "A token of the API", "looked for in every pod that asks the API nothing; Secrets read by Talk's accounts",
        "there is none; no account reads a Secret",
        (
            f"{E2E}/test_network_flows.py::test_only_who_asks_the_api_has_a_token",
            f"{E2E}/test_permissions.py::test_no_account_of_talk_reads_a_secret",
        ),
    ),
    Attack(
        "Another site's page",
        "requests with `Origin`, also where any origin is allowed",
        "no CORS header, never credentials",
        (
            f"{GATEWAY}/test_edge.py::test_no_cors_header_unless_origins_are_set",
            f"{GATEWAY}/test_hostile_requests.py::test_any_origin_never_has_credentials",
            "tests/unit/talk_agent/test_chat.py::test_no_header_allows_other_origins",
        ),
    ),
)  # fmt: skip


def page_table() -> str:
    """The table of docs/how-to/secure.md."""
    lines = ["| attack | tried how | what happens | tests |", "| --- | --- | --- | --- |"]
    for each in ATTACKS:
        links = ", ".join(f"[{number}](../../{test.partition('::')[0]})" for number, test in enumerate(each.tests, 1))
        lines.append(f"| {each.attack} | {each.tried} | {each.outcome} | {links} |")
    return "\n".join(lines)


def happened(ran: Mapping[str, list[Ran]]) -> list[dict[str, Any]]:
    """Of the attacks that this run tried on its cluster: how they ended, with evidence."""
    found = []
    for each in ATTACKS:
        runs = {test: ran[test] for test in each.on_a_cluster if test in ran}
        if runs:
            wrong = sorted(test for test, every in runs.items() if not all(one.passed for one in every))
            told = [
                line for every in runs.values() for one in every for line in one.evidence if line.startswith(each.shows)
            ]
            ended = f"NOT as it should: {', '.join(wrong)}" if wrong else each.outcome
            found.append({**asdict(each), "held": not wrong, "happened": ended, "evidence": told})
    return found


def shown(rows: list[dict[str, Any]]) -> str:
    """For people."""
    lines = ["attack | tried how | what happened"]
    for row in rows:
        lines += [f"{row['attack']} | {row['tried']} | {row['happened']}", *(f"    {line}" for line in row["evidence"])]
    return "\n".join(lines)
