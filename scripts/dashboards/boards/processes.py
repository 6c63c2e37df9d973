"""Each process by its own figures."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, rate, running

LOOPS = " or ".join(f"rate(talk_{room}_event_loop_lag_seconds_bucket{RATE})" for room in ("gateway", "agent", "local"))
TASKS = " or ".join(f"talk_{room}_event_loop_tasks" for room in ("gateway", "agent", "local"))
BUILDS = " or ".join(f"talk_{room}_build_info" for room in ("gateway", "agent", "local"))

PROCESSES = Board(
    "talk-processes",
    "Talk / Processes",
    "Each process by its own figures: CPU, memory, event loop, files, restarts, version.",
    rows={
        "Load": [
            Panel(
                "CPU",
                "Cores that each process uses; a Python process uses one for its event loop.",
                "short",
                running(f"rate(process_cpu_seconds_total{RATE})"),
            ),
            Panel("Memory", "Memory that each process holds (RSS).", "bytes", running("process_resident_memory_bytes")),
            Panel(
                "Lag of the event loop, p99",
                "How late the event loop comes to what is due; above 0.25 s sound stutters.",
                "s",
                {"{{job}} {{instance}}": f"histogram_quantile(0.99, sum by (le, namespace, job, instance) ({LOOPS}))"},
            ),
            Panel(
                "Tasks of the event loop",
                "Tasks that each process holds; a number that grows at rest is a leak.",
                "short",
                running(TASKS),
            ),
            Panel(
                "Open files",
                "Open file descriptors, as part of those allowed.",
                "percentunit",
                running("process_open_fds / process_max_fds"),
            ),
        ],
        "Life": [
            Panel("Up", "1 while the process answers Prometheus.", "short", running("up")),
            Panel(
                "Age",
                "Seconds since each process started; a fall is a restart.",
                "s",
                running("time() - process_start_time_seconds"),
            ),
            Panel(
                "Versions",
                "Processes by version; two for long is a roll-out that hangs.",
                "short",
                {"{{version}}": f"count by (version) ({BUILDS})"},
            ),
            Panel(
                "Runs of the garbage collector",
                "Runs a second by generation; the oldest one pauses everything.",
                "reqps",
                rate("python_gc_collections_total", "generation"),
            ),
        ],
    },
)
