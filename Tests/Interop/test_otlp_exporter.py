# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The exporter against a collector that fails: each failure is handled as OTLP demands, and no span is lost unseen.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

import email.utils
import gzip
import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from harness.collector import Collector, accept, after, close, reset, reset_before_request, status
from harness.scrape import Scrape
from harness.tracing import SpanCounts, collector, start_traced, wait_settled
from harness.waiting import wait_until
from harness.wire import WireConnection

MEBIBYTE = 1 << 20


def publish(origin, count: int, channel: str = "a") -> None:
    """So many spans, one of each publish, on one connection so that they come fast."""
    with WireConnection(*origin.ready["admin"].split(":")[:1], origin.admin_port) as client:
        for number in range(count):
            fields = {"Content-Type": "text/plain"}
            client.request("POST", f"/channels/{channel}/events", fields, str(number).encode())
            assert client.read_response().status == 201


def complaints(origin) -> list[dict]:
    """What the log says of exports, in order."""
    texts = ("export failed and is tried again", "the collector has a complaint", "spans are lost")
    return [record for record in origin.log_records() if record["message"] in texts]


def partial_success(rejected: int, message: str = "") -> bytes:
    response = ExportTraceServiceResponse()
    # Present even when it says nothing.
    response.partial_success.SetInParent()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response.SerializeToString()


def rpc_status(message: str) -> bytes:
    """A google.rpc.Status whose `message`, field 2, is this."""
    text = message.encode()
    return b"\x08\x03\x12" + bytes([len(text)]) + text


def expect_next_batch(origin, collector, exported: int, lost: dict[str, int]) -> SpanCounts:
    """Whatever happened before, what comes after it is exported, and the counts say so."""
    publish(origin, 1, "next")
    collector.wait_spans(lambda span: span.name == "publish next", "the next batch", timeout=15)
    counts = wait_settled(origin)
    assert (counts.exported, counts.lost) == (exported + 1, lost)
    return counts


# Sent again


@pytest.mark.parametrize(
    ("failure", "at_least"),
    [
        (status(503), 0.5),
        (status(502), 0.5),
        (status(504, b"<html>not protobuf</html>"), 0.5),
        (status(429), 0.5),
        (status(429, retry_after="2"), 2.0),
        (status(503, retry_after="2"), 2.0),
        (status(429, retry_after="soon"), 0.5),
        (reset, 0.5),
        (reset_before_request, 0.5),
        (close, 0.5),
        # Only the status counts, however much is said beside it.
        (status(503, bytes(5 * MEBIBYTE)), 0.5),
    ],
    ids=["503", "502", "504 in HTML", "429", "429 after 2", "503 after 2", "429 after soon", "reset", "early reset",
         "close", "503 of 5 MiB"],
)  # fmt: skip
def test_what_may_pass_is_sent_again_as_it_was(start_traced, collector, failure, at_least):
    collector.script = [failure]
    origin = start_traced()
    publish(origin, 3)
    counts = wait_until(lambda: one if (one := SpanCounts(Scrape.of(origin))).exported >= 3 else None, "exports")
    assert (counts.exported, counts.lost, counts.settled) == (3, {}, True)
    first, second = collector.wait_requests(2)
    assert second.at - first.at >= at_least - 0.05, "too early"
    assert second.body == first.body or failure is reset_before_request
    (retry,) = complaints(origin)
    assert retry["message"] == "export failed and is tried again" and int(retry["spans"]) >= 1
    expect_next_batch(origin, collector, 3, {})


def test_a_date_says_when_to_come_back_as_well_as_seconds_do(start_traced, collector):
    def busy(handler, request) -> None:
        # Dates have whole seconds: at least two from now.
        date = email.utils.formatdate(time.time() + 3, usegmt=True)
        status(503, retry_after=date)(handler, request)

    collector.script = [busy]
    origin = start_traced()
    publish(origin, 1)
    first, second = collector.wait_requests(2)
    assert 1.9 <= second.at - first.at <= 6
    expect_next_batch(origin, collector, 1, {})


def test_waits_between_attempts_grow(start_traced, collector):
    collector.script = [status(503)] * 3
    origin = start_traced()
    publish(origin, 1)
    times = [request.at for request in collector.wait_requests(4, timeout=20)]
    waits = [later - earlier for earlier, later in zip(times, times[1:])]
    # 1, 2 and 4 seconds, each less up to a half.
    for wait, full in zip(waits, (1, 2, 4), strict=True):
        assert full / 2 - 0.05 <= wait <= full + 1.5, waits
    assert wait_settled(origin).exported == 1
    # One line of each kind a minute.
    assert len(complaints(origin)) == 1


def test_a_batch_is_given_up_at_its_deadline(start_traced, collector):
    collector.default = status(503)
    origin = start_traced(environment={"OTEL_BSP_EXPORT_TIMEOUT": "1200"})
    publish(origin, 2)
    counts = wait_settled(origin)
    assert (counts.exported, counts.lost) == (0, {"retries_exhausted": 2})
    assert complaints(origin)[-1]["message"] == "spans are lost"
    collector.default = accept()
    expect_next_batch(origin, collector, 0, {"retries_exhausted": 2})


def test_a_collector_that_asks_for_too_much_patience_is_left_alone_meanwhile(start_traced, collector):
    collector.script = [status(429, retry_after="3")]
    origin = start_traced(environment={"OTEL_BSP_EXPORT_TIMEOUT": "1000"})
    publish(origin, 1)
    counts = wait_settled(origin)
    assert counts.lost == {"retries_exhausted": 1}
    # The batch could not wait that long, but what comes after it does.
    expect_next_batch(origin, collector, 0, {"retries_exhausted": 1})
    first, second = collector.requests
    assert second.at - first.at >= 2.9


# Final


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 500, 501, 505, 302])
def test_what_will_not_pass_is_not_sent_again(start_traced, collector, code):
    collector.script = [status(code, rpc_status("no such tenant"), location="/elsewhere")]
    origin = start_traced()
    publish(origin, 1)
    counts = wait_settled(origin)
    assert (counts.exported, counts.lost) == (0, {"refused": 1})
    (complaint,) = complaints(origin)
    assert complaint["message"] == "spans are lost" and complaint["reason"] == "refused"
    assert complaint["cause"] == f"status {code}: no such tenant"
    expect_next_batch(origin, collector, 0, {"refused": 1})
    assert len(collector.requests) == 2


def test_an_answer_of_5_mib_loses_its_batch_and_no_more(start_traced, collector):
    collector.script = [accept(bytes(5 * MEBIBYTE))]
    origin = start_traced()
    publish(origin, 1)
    assert wait_settled(origin).lost == {"response_too_large": 1}
    expect_next_batch(origin, collector, 0, {"response_too_large": 1})


def test_a_gzip_bomb_does_not_go_off(start_traced, collector):
    bomb = gzip.compress(bytes(256 * MEBIBYTE))
    collector.script = [accept(bomb, {"Content-Encoding": "gzip"})]
    origin = start_traced()
    before = Scrape.of(origin).total("process_resident_memory_bytes")
    publish(origin, 1)
    assert wait_settled(origin).lost == {"response_too_large": 1}
    assert Scrape.of(origin).total("process_resident_memory_bytes") - before < 64 * MEBIBYTE
    expect_next_batch(origin, collector, 0, {"response_too_large": 1})


def test_an_answer_of_just_4_mib_is_read(start_traced, collector):
    # Field 15, which nobody knows, of type bytes, makes the message as long as it may be.
    length = 4 * MEBIBYTE - 5
    varint = bytes((length >> shift & 0x7F) | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21))
    collector.script = [accept(b"\x7a" + varint + bytes(length))]
    origin = start_traced()
    publish(origin, 1)
    counts = wait_settled(origin)
    assert (counts.exported, counts.lost, complaints(origin)) == (1, {}, [])


def test_a_collector_that_does_not_answer_in_time_costs_its_batch_only(start_traced, collector):
    never = threading.Event()
    collector.script = [after(never, accept())]
    origin = start_traced(environment={"OTEL_EXPORTER_OTLP_TIMEOUT": "300"})
    publish(origin, 1)
    try:
        counts = wait_settled(origin)
        # The collector may have taken them: to send them again would risk to have them twice.
        assert counts.lost == {"timeout": 1}
        expect_next_batch(origin, collector, 0, {"timeout": 1})
    finally:
        never.set()


# Taken, in part or with nonsense


@pytest.mark.parametrize(
    ("body", "rejected", "message"),
    [
        (partial_success(2, "attribute too long"), 2, "attribute too long"),
        (partial_success(0, "a word of warning"), 0, "a word of warning"),
        (partial_success(0), 0, None),
        (b"", 0, None),
        # A collector that cannot count.
        (partial_success(1000, "all"), 3, "all"),
        (partial_success(-5), 0, None),
        (b"<html>200 OK</html>", 0, "the answer's body is not an ExportTraceServiceResponse"),
        (b"{}", 0, "the answer's body is not an ExportTraceServiceResponse"),
    ],
    ids=["rejected", "warning", "empty but present", "nothing", "more than all", "less than none", "HTML", "JSON"],
)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_partial_success_is_counted_and_never_sent_again(
    start_traced, collector, body, rejected, message, coding
):  # fmt: skip
    fields = {"Content-Encoding": "gzip"} if coding == "gzip" else {}
    collector.script = [accept(gzip.compress(body) if coding == "gzip" else body, fields)]
    # All three at once: a batch is full with three.
    full = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    origin = start_traced(environment=full)
    publish(origin, 3)
    counts = wait_settled(origin)
    assert counts.exported == 3 - rejected and counts.lost == ({"rejected": rejected} if rejected else {})
    assert [record["cause"] for record in complaints(origin)] == ([message] if message else [])
    assert len(collector.requests) == 1 and len(collector.spans()) == 3


# While the collector is away


def test_events_arrive_and_counts_agree_while_the_collector_is_down(start_origin):
    with Collector() as gone:
        url = gone.url
    # What listened there does so no more.
    bounds = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_EXPORT_TIMEOUT": "3000"}
    origin = start_origin(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": url, **bounds})
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        for start in range(0, 400, 40):
            publish(origin, 40)
            assert [event.data for event in client.next_events(40, timeout=5)] == [str(one) for one in range(40)]
            counts = SpanCounts(Scrape.of(origin))
            assert counts.exported == 0 and counts.queued <= 100
        # Spans beyond the queue are the newest, and counted; all others have had their time.
        counts = wait_settled(origin, timeout=30)
    assert counts.refused["queue_full"] > 0 and counts.lost["retries_exhausted"] > 0
    assert Scrape.of(origin).total("sse_events_sent_total") == 400
    # One line a minute of each kind, not one for each attempt.
    assert len(complaints(origin)) <= 3, complaints(origin)


def test_a_collector_that_comes_up_late_gets_everything(start_origin):
    with Collector() as gone:
        port, url = gone.port, gone.url
    origin = start_origin(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100"})
    publish(origin, 5)
    wait_until(lambda: complaints(origin), "the first attempt has failed", timeout=5)
    with Collector(port=port) as late:
        late.wait_spans(lambda span: span.name == "publish a", "all publishes", 5, timeout=20)
        counts = wait_settled(origin)
    assert (counts.exported, counts.lost, counts.refused) == (5, {}, {})


def test_a_slow_collector_gets_one_request_at_a_time_and_the_queue_is_bounded(start_traced, collector):
    answer = threading.Event()
    collector.default = after(answer, accept())
    bounds = {"OTEL_BSP_MAX_QUEUE_SIZE": "50", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    origin = start_traced(environment=bounds)
    publish(origin, 20)
    collector.wait_requests(1)
    publish(origin, 100)
    counts = wait_until(lambda: one if (one := SpanCounts(Scrape.of(origin))).refused else None, "a full queue")
    assert counts.in_flight <= 20 and counts.queued <= 50 and len(collector.requests) == 1
    answer.set()
    counts = wait_settled(origin)
    assert counts.exported + counts.refused["queue_full"] == 120 and counts.lost == {}
    assert len(collector.spans()) == counts.exported
    assert max(len(request.spans) for request in collector.requests) <= 20


# The end of the process


@pytest.mark.parametrize("client_closes", [True, False])
def test_sigterm_sends_what_is_left_and_what_the_drain_ends(start_traced, collector, client_closes):
    origin = start_traced(environment={"OTEL_BSP_SCHEDULE_DELAY": "600000"}, drain_window=1)
    with WireConnection.to(origin.url) as client:
        client.open_stream("/channels/a/events")
        publish(origin, 3)
        client.next_events(3)
        assert collector.requests == []
        if client_closes:
            threading.Thread(target=lambda: (client.events_until_end(), client.close())).start()
        origin.terminate()
    names = [span.name for span in collector.spans() if span.name != "sse.stream.segment"]
    assert {name: names.count(name) for name in names} == {
        "GET /channels/{channel}/events": 1, "publish a": 3, "sse.event": 3, "sse.stream": 1, "sse.connection": 1,
    }  # fmt: skip
    (stream,) = [span for span in collector.spans() if span.name == "sse.stream"]
    assert stream["sse.close.reason"] == "drain"
    # The last word on what is in progress, before the end: a segment of its own.
    assert any(span.name == "sse.stream.segment" for span in collector.spans())
    assert not [one for one in origin.log_records() if one["message"] == "spans lost at the end"]


def test_sigterm_says_how_many_spans_were_lost_and_does_not_wait_for_ever(start_origin):
    with Collector() as gone:
        url = gone.url
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    origin = start_origin(environment=environment)
    publish(origin, 7)
    started = time.monotonic()
    origin.terminate(timeout=15)
    assert time.monotonic() - started < 10
    (said,) = [one for one in origin.log_records() if one["message"] == "spans lost at the end"]
    assert said["level"] == "warning" and int(said["spans"]) == 7
