"""The gateway with metrics that count nothing, beside which `bench.metrics_cost` sets the one that does."""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase


def silence() -> None:
    """From now on no metric of this process counts."""

    def nothing(_metric: object, *_arguments: object, **_labels: object) -> None:
        return None

    def itself(metric: Any, *_arguments: object, **_labels: object) -> Any:
        return metric

    for kind, verbs in ((Counter, ("inc",)), (Gauge, ("inc", "dec", "set", "set_function")), (Histogram, ("observe",))):
        for verb in verbs:
            setattr(kind, verb, nothing)
    MetricWrapperBase.labels = itself  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    silence()
    from talk_gateway.__main__ import start
    from talk_kit.serving import main

    main("talk-gateway", start)
