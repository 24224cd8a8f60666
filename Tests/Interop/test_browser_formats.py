# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Whatever is published, in whichever format, is what a page's script finds in `event.data`, byte for byte."""

import itertools
import json

import pytest

from harness.browser import Browser, PageServer
from harness.eventstream import EventStreamReader
from harness.origin import Origin

_numbers = itertools.count(1)

# Data that an encoder gets wrong easily. Names become test names.
TEXTS = {
    "one line": "hello",
    "two lines": "one\ntwo",
    "empty": "",
    "one line feed": "\n",
    "empty lines around": "\n\nmiddle\n\n",
    "trailing line feed": "end\n",
    "leading space": " one",
    "leading spaces": "   three",
    "leading tab": "\tone",
    "only spaces": "  ",
    "leading colon": ": not a comment",
    "looks like a field": "data: x\nid: 9\nevent: y\nretry: 1",
    "unicode": "ünïcödé ✓ 日本語 🌊 e\u0301",
    "beyond the basic plane": "\U0001f9ff\U0010ffff",
    "byte order mark": "\ufeffmarked\n\ufeffagain",
    "line separators that are none": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "nul": "a\0b",
    "controls": "".join(chr(code) for code in range(1, 32) if code not in (10, 13)),
    "replacement character": "\ufffd",
    "almost markup": "<script>&amp;</script>",
    "many lines": "\n".join(str(number) for number in range(2_000)),
    "long line": "x" * 100_000,
    "a megabyte": "".join(chr(ord("a") + number % 26) for number in range(1_000_000)),
    "a megabyte of unicode": "ä🌊" * 160_000,
}

# Bodies as a producer may send them; what must arrive is read from them by the reference reader.
STREAMS = {
    "several events": "data: 1\n\ndata: 2\n\nevent: named\ndata: 3\n\n",
    "carriage returns": "data: 1\r\rdata: 2\rdata: 3\r\r",
    "crlf": "data: 1\r\ndata: 2\r\n\r\nevent: named\r\ndata: 3\r\n\r\n",
    "mixed ends of lines": "data: 1\ndata: 2\r\ndata: 3\r\n\rdata: 4\n\n",
    "byte order mark at the start": "\ufeffdata: 1\n\n",
    "byte order mark inside": "data: \ufeff1\n\n\ufeffdata: ignored field\ndata: 2\n\n",
    "fields without a colon": "data\n\ndata\ndata\n\ndata: x\nevent\n\n",
    "no space after the colon": "data:1\ndata: 1\ndata:  1\n\n",
    "comments": ": one\ndata: 1\n:two\n: data: 3\n\n",
    "unknown fields": "foo: 1\ndata: 1\nDATA: 2\n data: 3\n\n",
    "blocks without data": "event: named\n\n: c\n\ndata: 1\n\n",
    "ids are ours": "id: 77\ndata: 1\n\nid\ndata: 2\n\nid: a\0b\ndata: 3\n\n",
    "type set twice": "event: first\nevent: named\ndata: 1\n\n",
    "type with odd spelling": "event:  named\ndata: 1\n\nevent: über\ndata: 2\n\n",
    "empty data lines": "data:\ndata: \ndata:  \n\n",
    "empty type": "event: \ndata: 1\n\nevent:\ndata: 2\n\nevent\ndata: 3\n\n",
    "leading white space": "data:\ttest\rdata: \ndata:test\n\n",
    "nul in data and names": "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\r\n\r\n",
    "more blank lines than needed": "\n\n\ndata: 1\n\n\n\n\r\n\rdata: 2\n\n\n",
    "retry between": "retry: 1000\ndata: 1\n\nretry: nonsense\ndata: 2\n\n",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    browser, site = Browser(tmp_path_factory.mktemp("chromium")), PageServer()
    yield browser.open(site.origin)
    browser.close()
    site.close()


@pytest.fixture(scope="module")
def shared_origin(tmp_path_factory):
    # Every site is allowed, so that the page can be served from anywhere; room for a few megabytes per channel.
    flags = ["--cors-origins", "*", "--publish-max-bytes", "4194304", "--channel-bytes", "16777216"]
    running = Origin(tmp_path_factory.mktemp("formats"), *flags, "--slow-bytes", "16777216")
    yield running
    running.terminate()


@pytest.fixture
def channel(shared_origin, page):
    """A channel of this test's own, with the page subscribed to it as `name`."""
    name = f"format-{next(_numbers)}"
    page.subscribe(f"{shared_origin.url}/channels/{name}/events", "named", " named", "über", "gap", name=name)
    page.wait_open(name=name)
    yield name
    page.evaluate(f"sources[{json.dumps(name)}].source.close()")


def assert_received(page, channel: str, expected: list[tuple[str, str]], ids: list[str]) -> None:
    received = page.wait_events(len(expected), name=channel)
    for number, (one, (kind, data), expected_id) in enumerate(zip(received, expected, ids, strict=True)):
        assert one["type"] == kind and one["id"] == expected_id, (number, one["type"], one["id"])
        if one["data"] != data:
            at = next(
                (i for i, (a, b) in enumerate(zip(one["data"], data)) if a != b), min(len(data), len(one["data"]))
            )
            around = slice(max(0, at - 10), at + 20)
            pytest.fail(
                f"event {number}: {len(one['data'])} characters instead of {len(data)}, first difference at {at}: "
                f"{one['data'][around]!r} instead of {data[around]!r}"
            )


@pytest.mark.parametrize("name", TEXTS)
def test_plain_text_arrives_unchanged(page, shared_origin, channel, name):
    ids = shared_origin.publish(channel, TEXTS[name], content_type="text/plain; charset=utf-8")
    assert_received(page, channel, [("message", TEXTS[name])], ids)


@pytest.mark.parametrize("name", ["carriage return", "crlf"])
def test_other_ends_of_lines_arrive_as_line_feeds(page, shared_origin, channel, name):
    # The format has no way to carry a carriage return: the same text with line feeds is what it can say.
    text = "one\rtwo\r\r" if name == "carriage return" else "one\r\ntwo\r\n\r\n"
    ids = shared_origin.publish(channel, text)
    assert_received(page, channel, [("message", text.replace("\r\n", "\n").replace("\r", "\n"))], ids)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '{\n  "a": [1,\n\n 2]\n}',
        "[]",
        '"text"',
        "12",
        "null",
        '{"a":"\\ud83c\\udf0a ü"}',
        '{"b":1,"a":1.0}',
    ],
)
def test_json_arrives_as_it_was_written(page, shared_origin, channel, text):
    ids = shared_origin.publish(channel, text, content_type="application/json")
    assert_received(page, channel, [("message", text)], ids)


def test_each_line_of_ndjson_is_an_event(page, shared_origin, channel):
    lines = ['{"a": 1}', '{"b": "ü"}', "[1, 2]", '"x"']
    ids = shared_origin.publish(channel, "\n".join(lines) + "\n", content_type="application/x-ndjson")
    assert_received(page, channel, [("message", line) for line in lines], ids)


@pytest.mark.parametrize("name", STREAMS)
def test_an_event_stream_arrives_as_a_browser_would_read_it(page, shared_origin, channel, name):
    body = STREAMS[name].encode()
    expected = [(one.event, one.data) for one in EventStreamReader().feed(body)]
    ids = shared_origin.publish(channel, body, content_type="text/event-stream")
    assert len(ids) == len(expected)
    assert_received(page, channel, expected, ids)


@pytest.mark.parametrize("name", ["two lines", "unicode", "a megabyte"])
def test_an_event_stream_carries_long_and_odd_data(page, shared_origin, channel, name):
    body = "event: named\n" + "".join(f"data: {line}\n" for line in TEXTS[name].split("\n")) + "\n"
    ids = shared_origin.publish(channel, body, content_type="text/event-stream")
    assert_received(page, channel, [("named", TEXTS[name])], ids)


def test_the_query_names_the_type(page, shared_origin, channel):
    ids = shared_origin.publish(channel, "1", event="named") + shared_origin.publish(channel, "2", event="über")
    assert_received(page, channel, [("named", "1"), ("über", "2")], ids)


def test_every_text_at_once_keeps_its_order(page, shared_origin, channel):
    small = [text for text in TEXTS.values() if len(text) < 200_000]
    ids = [one for text in small for one in shared_origin.publish(channel, text)]
    assert_received(page, channel, [("message", text) for text in small], ids)
