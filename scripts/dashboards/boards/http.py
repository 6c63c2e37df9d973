"""Every route."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import rate, slowest


def http(room: str, name: str) -> list[Panel]:
    """Rate, errors and duration of one room."""
    return [
        Panel(
            f"Requests of the {name}",
            "Requests a second by route.",
            "reqps",
            rate(f"talk_{room}_http_requests_total", "route"),
            width=8,
            stacked=True,
        ),
        Panel(
            f"Answers of the {name} that are no success",
            "Answers a second with a status of 400 or more, by status. 499: the client went.",
            "reqps",
            rate(f"talk_{room}_http_requests_total", "status", '{status=~"4..|5.."}'),
            width=8,
            stacked=True,
        ),
        Panel(
            f"Time of a request to the {name}, p95",
            "From the head of a request to the last byte of its answer; a stream counts whole.",
            "s",
            slowest(f"talk_{room}_http_request_seconds", "route"),
            width=8,
        ),
    ]


HTTP = Board(
    "talk-http",
    "Talk / HTTP",
    "Rate, errors and duration of every route.",
    rows={
        "Gateway": http("gateway", "gateway"),
        "Who is let in": [
            Panel(
                "Requests that were not let in",
                "Requests a second without valid credentials, or for an agent that they do not cover, by code.",
                "reqps",
                rate("talk_gateway_requests_rejected_total", "reason"),
                width=8,
            ),
            Panel(
                "Requests refused by a limit",
                "Requests and turns a second that met a limit, by what it is of: an address, a caller, an agent, "
                "turns at once, tokens of a day.",
                "reqps",
                rate("talk_gateway_requests_limited_total", "kind"),
                width=8,
            ),
            Panel(
                "Limits that were not counted",
                "Counts a second that Redis did not answer, by what was done without: let in, or refused.",
                "reqps",
                rate("talk_gateway_limits_unchecked_total", "outcome"),
                width=8,
            ),
        ],
        "Agents": http("agent", "agents"),
        "Offline services": http("local", "offline services"),
    },
)
