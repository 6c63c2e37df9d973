"""A fake OTLP collector over HTTP: it keeps the spans, and shows a trace as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class Collector:
    """Spans with the service that sent each; `raw` is every byte that came."""

    spans: list[tuple[str, Span]] = field(default_factory=list)
    raw: bytes = b""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])

    def of(self, trace: str) -> list[tuple[str, Span]]:
        """The spans of one trace, by its id in hex."""
        return [(service, span) for service, span in self.spans if span.trace_id.hex() == trace]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return Response()


def tree(spans: list[tuple[str, Span]]) -> str:
    """A line a span, below its parent: milliseconds from the trace's start, its length, service and name."""
    begun = min(span.start_time_unix_nano for _, span in spans)
    known = {span.span_id for _, span in spans}

    def lines(parent: bytes | None, depth: int) -> Iterator[str]:
        children = [s for s in spans if (s[1].parent_span_id == parent if parent else s[1].parent_span_id not in known)]
        for service, span in sorted(children, key=lambda each: each[1].start_time_unix_nano):
            at = (span.start_time_unix_nano - begun) / 1e6
            length = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
            yield f"{at:8.1f} {length:8.1f} ms  {service:13} {'  ' * depth}{span.name}"
            yield from lines(span.span_id, depth + 1)

    return "\n".join(lines(None, 0))
