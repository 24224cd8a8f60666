// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Origin

@Suite struct PublishBodyTests {
    private func parse(
        _ body: String,
        _ contentType: String?,
        type: String? = nil,
        retry: Int? = nil
    ) throws(PublishBodyError) -> [PublishedEvent] {
        try PublishBody.parse(ByteBuffer(string: body), contentType: contentType, type: type, retry: retry)
    }

    private func error(_ body: String, _ contentType: String?) -> PublishBodyError? {
        do throws(PublishBodyError) {
            _ = try self.parse(body, contentType)
            return nil
        } catch {
            return error
        }
    }

    private func event(_ data: String, type: String? = nil, retry: Int? = nil) -> PublishedEvent {
        PublishedEvent(type: type, retry: retry, data: ByteBuffer(string: data))
    }

    @Test(arguments: [
        "application/json", "APPLICATION/JSON", "application/json; charset=utf-8", " application/json ;x=y",
    ])
    func jsonIsOneEventByteForByte(contentType: String) throws {
        let body = "{ \"a\" : [1, 2.50, \"x\\u00e9\"] }\n"
        #expect(try self.parse(body, contentType, type: "t", retry: 5) == [self.event(body, type: "t", retry: 5)])
    }

    @Test(arguments: ["1", "\"x\"", "null", "true", "[]", "{}", "-0.5e+3", " 1 "])
    func anyJSONTextIsTaken(body: String) throws {
        #expect(try self.parse(body, "application/json") == [self.event(body)])
    }

    @Test(arguments: ["", " ", "{", "{\"a\":}", "'x'", "1 2", "{} {}", "nul", "NaN", "//c\n1"])
    func whatIsNoJSONIsMalformed(body: String) {
        let expected = PublishBodyError.malformed(
            "The body is not well-formed JSON (RFC 8259); send text/plain for other text."
        )
        #expect(self.error(body, "application/json") == expected)
    }

    @Test func deeplyNestedJSONIsRefusedAndDoesNotExhaustTheStack() {
        #expect(self.error(String(repeating: "[", count: 500_000), "application/json") != nil)
        let closed = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(self.error(closed, "application/json") != nil)
    }

    @Test(arguments: [nil, "text/plain", "Text/Plain; charset=utf-8"] as [String?])
    func textIsOneEventWhateverItHolds(contentType: String?) throws {
        for body in ["", "hello", "two\nlines", "data: not a field\n\n", "{"] {
            #expect(try self.parse(body, contentType, type: "t") == [self.event(body, type: "t")])
        }
    }

    @Test(arguments: ["application/x-ndjson", "application/ndjson", "application/jsonl"])
    func everyLineOfNDJSONIsAnEvent(contentType: String) throws {
        let events = try self.parse("{\"a\":1}\n[2]\r\n\n \t\n\"three\"", contentType, type: "t", retry: 1)
        let expected = ["{\"a\":1}", "[2]", "\"three\""].map { self.event($0, type: "t", retry: 1) }
        #expect(events == expected)
    }

    @Test func aBadLineOfNDJSONIsNamed() {
        let expected = PublishBodyError.malformed(
            "Line 3 is not well-formed JSON (RFC 8259); send text/plain for other text."
        )
        #expect(self.error("1\n\nnope\n2", "application/x-ndjson") == expected)
    }

    @Test(arguments: ["", "\n\n", " \r\n"])
    func ndjsonWithoutALineIsMalformed(body: String) {
        let expected = PublishBodyError.malformed("The body has no line; send one JSON text on each line.")
        #expect(self.error(body, "application/x-ndjson") == expected)
    }

    @Test func everyBlockOfAnEventStreamIsAnEvent() throws {
        let body = """
            : comment
            data: one

            event: own
            retry: 7
            id: mine
            data: two
            data: lines

            retry: 100

            data
            """
        let expected = [
            self.event("one", type: "t", retry: 3), self.event("two\nlines", type: "own", retry: 7),
            self.event("", type: "t", retry: 3),
        ]
        #expect(try self.parse(body, "text/event-stream", type: "t", retry: 3) == expected)
    }

    @Test(arguments: ["data: x", "data: x\n", "data: x\r\n\r\n", "data:x\r\r", "\u{FEFF}data: x\n\n"])
    func theEndOfTheBodyEndsTheLastBlock(body: String) throws {
        #expect(try self.parse(body, "text/event-stream") == [self.event("x")])
    }

    @Test(arguments: ["", "\n\n", ": only a comment\n\n", "id: 1\nretry: 5\n\n", "hello"])
    func anEventStreamWithoutDataIsMalformed(body: String) {
        let expected = PublishBodyError.malformed("The body has no event; each needs at least one \"data:\" line.")
        #expect(self.error(body, "text/event-stream") == expected)
    }

    @Test(arguments: [
        ("application/x-ndjson", "1\n"), ("text/event-stream", "data: x\n\n"),
    ])
    func theNumberOfEventsIsBounded(contentType: String, one: String) throws {
        let most = String(repeating: one, count: PublishBody.maximumEvents)
        #expect(try self.parse(most, contentType).count == PublishBody.maximumEvents)
        let expected = PublishBodyError.malformed(
            "The body has more than 10000 events; send them in several requests."
        )
        #expect(self.error(most + one, contentType) == expected)
    }

    @Test(arguments: [
        ("", ""), ("application/xml", "application/xml"), ("multipart/form-data; boundary=x", "multipart/form-data"),
        ("text", "text"), ("application/json-seq", "application/json-seq"), (";", ""),
    ])
    func anotherTypeIsNamedWithTheAcceptedOnes(contentType: String, name: String) {
        let expected = PublishBodyError.unsupportedType(
            "Content-Type is \"\(name)\"; send application/json, application/x-ndjson, text/plain or text/event-stream."
        )
        #expect(self.error("x", contentType) == expected)
    }
}
