# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Spans as tests look at them, from OTLP in protobuf and in JSON, both by OpenTelemetry's generated classes."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.trace.v1 import trace_pb2

_KINDS = {
    trace_pb2.Span.SPAN_KIND_INTERNAL: "internal",
    trace_pb2.Span.SPAN_KIND_SERVER: "server",
    trace_pb2.Span.SPAN_KIND_CLIENT: "client",
    trace_pb2.Span.SPAN_KIND_PRODUCER: "producer",
    trace_pb2.Span.SPAN_KIND_CONSUMER: "consumer",
}
_STATUSES = {
    trace_pb2.Status.STATUS_CODE_UNSET: "unset",
    trace_pb2.Status.STATUS_CODE_OK: "ok",
    trace_pb2.Status.STATUS_CODE_ERROR: "error",
}

# Bits of `flags`: the trace flags below, then whether it is known if the parent is remote, and whether it is.
SAMPLED, RANDOM, KNOWS_REMOTE, IS_REMOTE = 0x01, 0x02, 0x100, 0x200


@dataclass(frozen=True)
class Link:
    trace_id: str
    span_id: str
    flags: int


@dataclass(frozen=True)
class Span:
    """One span; ids in hexadecimal, times in Unix nanoseconds. When it was received is no part of it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start: int
    end: int
    flags: int
    state: str
    status: str
    message: str
    attributes: dict[str, Any] = field(hash=False)
    links: tuple[Link, ...]
    dropped: tuple[int, int, int]
    resource: dict[str, Any] = field(hash=False)
    scope: tuple[str, str]
    schemas: tuple[str, str]
    received_at: float = field(default=0.0, compare=False)

    @property
    def own_flags(self) -> int:
        return self.flags & 0xFF

    @property
    def has_remote_parent(self) -> bool:
        assert self.flags & KNOWS_REMOTE, f"{self.name}: flags {self.flags:#x}"
        return bool(self.flags & IS_REMOTE)

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]


def _value(value: Message) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


def _attributes(pairs: Iterable[Message]) -> dict[str, Any]:
    read = [(pair.key, _value(pair.value)) for pair in pairs]
    assert len({key for key, _ in read}) == len(read), f"a key twice: {read}"
    return dict(read)


def spans_of(message: Message, received_at: float = 0.0) -> list[Span]:
    """All spans of an ExportTraceServiceRequest or a TracesData."""
    found = []
    for resource_spans in message.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = (scope_spans.scope.name, scope_spans.scope.version)
            schemas = (resource_spans.schema_url, scope_spans.schema_url)
            for one in scope_spans.spans:
                assert len(one.trace_id) == 16 and len(one.span_id) == 8 and len(one.parent_span_id) in (0, 8), one
                found.append(
                    Span(
                        one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex(), one.name, _KINDS[one.kind],
                        one.start_time_unix_nano, one.end_time_unix_nano, one.flags, one.trace_state,
                        _STATUSES[one.status.code], one.status.message, _attributes(one.attributes),
                        tuple(Link(to.trace_id.hex(), to.span_id.hex(), to.flags) for to in one.links),
                        (one.dropped_attributes_count, one.dropped_events_count, one.dropped_links_count),
                        resource, scope, schemas, received_at,
                    )
                )  # fmt: skip
    return found


def spans_of_json(text: bytes) -> list[Span]:
    """All spans of a TracesData in OTLP/JSON, whose ids are hexadecimal where protobuf's own JSON has base64."""

    def with_base64(node: Any) -> Any:
        if isinstance(node, list):
            return [with_base64(one) for one in node]
        if not isinstance(node, dict):
            return node
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in ids else with_base64(value)
            for key, value in node.items()
        }

    # Strict: a name that the message does not have fails here.
    return spans_of(json_format.ParseDict(with_base64(json.loads(text)), trace_pb2.TracesData()))


def named(name: str) -> Callable[[Span], bool]:
    return lambda span: span.name == name


def only(spans: Iterable[Span], name: str) -> Span:
    """The one span of that name."""
    found = [span for span in spans if span.name == name]
    assert len(found) == 1, (name, [span.name for span in found])
    return found[0]
