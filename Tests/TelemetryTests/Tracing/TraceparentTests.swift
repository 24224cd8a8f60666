// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct TraceparentTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func parse(_ headers: [String], state: [String] = []) -> SpanContext? {
        Traceparent.context(traceparent: headers, tracestate: state)
    }

    @Test func aValidOneNamesTheRemoteParent() throws {
        let context = try #require(parse([Self.valid], state: ["a=1", "b=2"]))
        #expect(context.traceID == TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
        #expect(context.spanID == SpanID(0x00f0_67aa_0ba9_02b7))
        #expect(context.flags == .sampled && context.isRemote)
        #expect(context.state.text == "a=1,b=2")
        #expect(Traceparent.text(context) == Self.valid)
    }

    @Test(arguments: [
        "", "00", "garbage",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        "\(valid),\(valid)",
    ])
    func anInvalidOneStartsANewTrace(header: String) {
        #expect(parse([header]) == nil)
    }

    @Test func aRepeatedOneStartsANewTrace() {
        #expect(parse([Self.valid, Self.valid]) == nil)
        #expect(parse([]) == nil)
    }

    @Test func blanksAroundItAreTheHeadersAndNotItsOwn() {
        #expect(parse([" \(Self.valid)\t"]) != nil)
    }

    @Test(arguments: ["", "-", "-what-comes-next"])
    func aHigherVersionIsReadAsFarAsWeKnowIt(rest: String) throws {
        let header = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff\(rest)"
        let context = try #require(parse([header]))
        #expect(context.flags == .sampled)
        #expect(Traceparent.text(context) == Self.valid)
    }

    @Test(arguments: [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("fc", 0), ("ff", 3)] as [(String, UInt8)])
    func unknownFlagsAreNotPassedOn(digits: String, flags: UInt8) throws {
        let context = try #require(parse(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\(digits)"]))
        #expect(context.flags.rawValue == flags)
    }

    // MARK: tracestate

    @Test(
        arguments: [
            (["a=1"], "a=1"), (["a=1 , b=2,"], "a=1,b=2"), (["a=1", "", "b=2"], "a=1,b=2"),
            (["t-1@v=x y"], "t-1@v=x y"),
            (["a_-*/9=!~"], "a_-*/9=!~"), (["9t@v=1"], "9t@v=1"),
        ] as [([String], String)])
    func aValidStateIsPassedOn(headers: [String], text: String) {
        #expect(TraceState(headers: headers).text == text)
    }

    @Test(arguments: [
        "a", "=1", "a=", "A=1", "9=1", "a=1,a=2", "a=b=c", "a b=1", "a@=1", "@v=1", "a@v@w=1", "a=\u{7F}", "a=é",
        "a@9=1", "a@abcdefghijklmno=1",
    ])
    func anInvalidStateIsDroppedAsAWholeAndTheParentStays(header: String) throws {
        let context = try #require(parse([Self.valid], state: ["ok=1", header]))
        #expect(context.state.isEmpty)
    }

    @Test func aStateOfMoreThan32MembersIsDropped() {
        let members = (0..<33).map { "k\($0)=v" }
        #expect(TraceState(headers: [members.dropLast().joined(separator: ",")]).text.hasSuffix("k31=v"))
        #expect(TraceState(headers: [members.joined(separator: ",")]).isEmpty)
    }

    // MARK: Propagation

    @Test func whatIsNotPropagatedIsNeitherReadNorWritten() throws {
        let parent = try #require(parse([Self.valid], state: ["a=1"]))
        let baggage = Baggage(members: [.init(name: "user", value: "a b")])
        let nothing = Propagation()
        #expect(nothing.extract(traceparent: [Self.valid], tracestate: [String]()) == nil)
        #expect(nothing.extract(baggage: ["a=1"]).isEmpty)
        #expect(nothing.inject(parent, baggage: baggage).isEmpty)
        let fields = Propagation.standard.inject(parent, baggage: baggage)
        #expect(fields.map(\.name) == ["traceparent", "tracestate", "baggage"])
        #expect(fields.map(\.value) == [Self.valid, "a=1", "user=a%20b"])
        #expect(Propagation.traceContext.inject(parent, baggage: baggage).count == 2)
        #expect(Propagation.standard.inject(nil).isEmpty)
    }
}
