# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
#
# The exporter's bytes, read by OpenTelemetry's own generated classes and compared field for field. The file is what
# OTLPEncoderTests.swift holds the encoder to, so neither side can drift alone; it needs no running origin.

import base64
import json
import pathlib

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
FIXTURE = FIXTURES / "otlp_batch.bin"
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"


def request():
    message = trace_service_pb2.ExportTraceServiceRequest()
    message.ParseFromString(FIXTURE.read_bytes())
    return message


def spans():
    return request().resource_spans[0].scope_spans[0].spans


def attributes(message):
    return {pair.key: plain(pair.value) for pair in message.attributes}


def plain(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    return (kind, getattr(value, kind))


def test_one_resource_and_one_scope_surround_the_spans():
    message = request()
    (resource_spans,) = message.resource_spans
    assert resource_spans.schema_url == SCHEMA
    assert attributes(resource_spans.resource) == {
        "service.name": ("string_value", "headwater"),
        "process.pid": ("int_value", 42),
    }
    (scope_spans,) = resource_spans.scope_spans
    assert (scope_spans.scope.name, scope_spans.scope.version) == ("headwater", "1.2.3")
    assert scope_spans.schema_url == SCHEMA
    assert len(scope_spans.spans) == 3


def test_ids_times_kind_flags_and_status():
    span = spans()[0]
    assert span.trace_id == bytes(range(1, 17))
    assert span.span_id == bytes(range(0x11, 0x19))
    assert span.parent_span_id == bytes(range(0x21, 0x29))
    assert span.trace_state == "vendor=value,other=1"
    assert span.name == "GET /events/{channel} é\0\U0001f6f0"
    assert span.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert span.start_time_unix_nano == 1_790_000_000_123_456_789
    assert span.end_time_unix_nano == 1_790_000_000_223_456_789
    assert span.flags == 0x03 | 0x100 | 0x200
    assert (span.status.code, span.status.message) == (trace_pb2.Status.STATUS_CODE_ERROR, "it broke")
    assert span.dropped_attributes_count == 7
    assert span.dropped_events_count == 8
    assert span.dropped_links_count == 9


def test_values_of_every_type_also_the_empty_ones():
    assert attributes(spans()[0]) == {
        "a.string": ("string_value", "value"),
        "a.empty": ("string_value", ""),
        "a.nul": ("string_value", "be\0fore"),
        "a.long": ("string_value", "long " * 100),
        "a.zero": ("int_value", 0),
        "a.negative": ("int_value", -1),
        "a.least": ("int_value", -(2**63)),
        "a.most": ("int_value", 2**63 - 1),
        "a.double": ("double_value", 0.25),
        "a.zero.double": ("double_value", 0.0),
        "a.true": ("bool_value", True),
        "a.false": ("bool_value", False),
        "a.strings": [("string_value", "x"), ("string_value", ""), ("string_value", "z")],
        "a.ints": [("int_value", 1), ("int_value", 0), ("int_value", -1)],
        "a.doubles": [("double_value", 1.5)],
        "a.bools": [("bool_value", True), ("bool_value", False)],
        "a.none": [],
        "at run time": ("string_value", "dynamic"),
    }


def test_events_and_links():
    first, second = spans()[0].events
    assert (first.name, first.time_unix_nano) == ("first byte", 1_790_000_000_150_000_000)
    assert attributes(first) == {"bytes": ("int_value", 512)}
    assert first.dropped_attributes_count == 3
    assert (second.name, second.time_unix_nano, len(second.attributes)) == ("second", 1_790_000_000_160_000_000, 0)

    remote, local = spans()[0].links
    assert remote.trace_id == bytes([*range(0x31, 0x40), 0x40])
    assert remote.span_id == bytes(range(0x41, 0x49))
    assert (remote.trace_state, remote.flags) == ("l=1", 0x01 | 0x100 | 0x200)
    assert attributes(remote) == {"why": ("string_value", "publish")}
    assert remote.dropped_attributes_count == 1
    assert local.trace_id == (5).to_bytes(16, "big")
    assert (local.span_id, local.flags, local.trace_state) == ((6).to_bytes(8, "big"), 0x100, "")


def test_what_a_plain_span_does_not_have_is_not_sent():
    root, child = spans()[1:]
    assert root.parent_span_id == b"" and root.name == "" and root.kind == trace_pb2.Span.SPAN_KIND_INTERNAL
    assert (root.status.code, root.status.message) == (trace_pb2.Status.STATUS_CODE_OK, "")
    assert not root.attributes and not root.events and not root.links
    assert child.parent_span_id == root.span_id and child.trace_id == root.trace_id
    assert child.flags == 0x101 and not child.HasField("status")
    assert (child.start_time_unix_nano, child.end_time_unix_nano) == (10, 20)


def test_nothing_is_unknown_to_the_protocol():
    message = request()
    reread = json_format.Parse(json_format.MessageToJson(message), trace_service_pb2.ExportTraceServiceRequest())
    assert reread.SerializeToString(deterministic=True) == FIXTURE.read_bytes()


def with_base64_ids(value):
    """OTLP's JSON has ids in hexadecimal, where protobuf's has bytes in base64. That is the only difference."""
    if isinstance(value, list):
        return [with_base64_ids(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(inner)).decode()
        if key in ("traceId", "spanId", "parentSpanId")
        else with_base64_ids(inner)
        for key, inner in value.items()
    }


def test_the_json_form_says_the_same_as_the_binary_one():
    document = json.loads((FIXTURES / "otlp_batch.json").read_text(encoding="utf-8"))
    message = json_format.ParseDict(with_base64_ids(document), trace_pb2.TracesData())
    expected = trace_pb2.TracesData()
    expected.ParseFromString(FIXTURE.read_bytes())
    # A status that is there and empty is a status that is not there.
    for span in message.resource_spans[0].scope_spans[0].spans:
        if span.status == trace_pb2.Status():
            span.ClearField("status")
    assert message == expected
