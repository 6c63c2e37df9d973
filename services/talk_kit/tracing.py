"""Traces: OpenTelemetry over OTLP and HTTP, off unless the standard `OTEL_*` variables name an exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.routing import Match
from starlette.types import Scope


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(
        environ.get(name)
        for name in (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_TRACES_EXPORTER",
        )
    )


def configure(service: str, app: Starlette, environ: Mapping[str, str]) -> None:
    """Sets up the exporter and a server span for each request. Imported only where traces are wanted."""
    if not wanted(environ):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", service)}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Without a span for each piece of a streamed answer, and without traces of probes.
    app.add_middleware(
        OpenTelemetryMiddleware,
        exclude_spans=["receive", "send"],
        excluded_urls=r"/(healthz|ready|health|metrics)$",
        default_span_details=span_details,
    )


def span_details(scope: Scope) -> tuple[str, dict[str, str]]:
    """Name and attributes of a request's span: its route's template, never the path as it came."""
    method = scope.get("method", "")
    matching = (route.path for route in scope["app"].routes if route.matches(scope)[0] is Match.FULL)
    path = next(matching, "")
    return (f"{method} {path}", {"http.route": path}) if path else (method, {})


@contextmanager
def client_span(method: str, url: str, target: str) -> Iterator[dict[str, str]]:
    """A span around one outgoing call, and the header that makes the other side its child; neither outside a trace.

    It is not made the current one: the block may end in another task than it began in. A query is left out.
    """
    if not trace.get_current_span().is_recording():
        yield {}
        return
    address = urlsplit(url)
    attributes = {"http.request.method": method, "server.address": address.hostname or "", "url.path": address.path}
    span = trace.get_tracer("talk").start_span(f"{method} {target}", kind=SpanKind.CLIENT, attributes=attributes)
    context = span.get_span_context()
    try:
        yield {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
    except Exception as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()
