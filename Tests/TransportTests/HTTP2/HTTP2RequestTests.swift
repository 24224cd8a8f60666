// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// RFC 9113 section 8: requests, trailers, content-length, early responses.
@Suite struct HTTP2RequestTests {
    private func isMalformed(_ fields: [(String, String)], end: Bool = true) -> Bool {
        let peer = TestPeer()
        peer.send(.headers(1, block(fields), end: end))
        return peer.requests.isEmpty && peer.resets(1) == [Code.protocolError] && !peer.isFailed
    }

    @Test func section_8_1_requestWithBodyAndTrailers() {
        let peer = TestPeer()
        peer.send(
            .headers(1, block(post + [("content-length", "3")]), end: false), .data(1, [1]), .data(1, [2, 3]),
            .headers(1, block([("x-checksum", "6")])))
        #expect(peer.body == [1, 2, 3])
        guard case .trailers(_, let trailers)? = peer.events.last else {
            Issue.record("no trailers")
            return
        }
        #expect(trailers["x-checksum"] == ["6"])
    }

    @Test func section_8_1_trailersWithoutEndStreamAreMalformed() {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.headers(1, block([("x-t", "1")]), end: false))
        #expect(peer.resets(1) == [Code.protocolError])
        #expect(peer.ends == [.violation(.protocolError)])
    }

    @Test(arguments: [(":path", "/"), (":status", "200"), ("Upper", "1"), ("connection", "close"), ("a b", "1")])
    func section_8_1_trailersMustBeRegularFields(field: (String, String)) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.headers(1, block([field])))
        #expect(peer.resets(1) == [Code.protocolError])
    }

    @Test(arguments: ["4", "2"])
    func section_8_1_1_contentLengthMustEqualTheBody(length: String) {
        let peer = TestPeer()
        peer.open(1, fields: post + [("content-length", length)], end: false)
        peer.send(.data(1, [1]), .data(1, [2, 3], end: true))
        #expect(peer.resets(1) == [Code.protocolError])
    }

    @Test func section_8_1_1_moreThanTheContentLengthIsNoticedAtOnce() {
        let peer = TestPeer()
        peer.open(1, fields: post + [("content-length", "1")], end: false)
        peer.send(.data(1, [1, 2]))
        #expect(peer.resets(1) == [Code.protocolError])
        #expect(peer.body.isEmpty)
    }

    @Test func section_8_1_1_contentLengthMustEqualTheBodyBeforeTrailersToo() {
        let peer = TestPeer()
        peer.open(1, fields: post + [("content-length", "2")], end: false)
        peer.send(.data(1, [1]), .headers(1, block([("x-t", "1")])))
        #expect(peer.resets(1) == [Code.protocolError])
    }

    @Test(arguments: ["1", "-0", "+0", " 0", "0x0", "", "99999999999999999999"])
    func section_8_1_1_contentLengthOfAnEmptyBody(length: String) {
        #expect(isMalformed(get + [("content-length", length)]))
    }

    @Test func section_8_1_1_contentLengthOf0WithoutABodyIsFine() {
        #expect(!isMalformed(get + [("content-length", "0")]))
    }

    @Test func section_8_1_1_differentContentLengthsAreMalformed() {
        #expect(isMalformed(post + [("content-length", "1"), ("content-length", "2")], end: false))
    }

    @Test func section_8_1_earlyResponseThenResetWithNoErrorWhenTheBodyGoesOn() {
        let peer = TestPeer {
            $0.streamReceiveWindow = 65_535
            $0.maxDiscardedBytes = 100_000
        }
        if let slot = peer.open(1, fields: post, end: false) { peer.session.finish(slot) }
        peer.flush()
        #expect(peer.received == [.data(1, [], end: true)])
        for _ in 0..<6 { peer.send(.data(1, [UInt8](repeating: 0, count: 16_384))) }
        #expect(peer.resets(1).isEmpty, "98,304 bytes are read, beyond the window that the stream began with")
        peer.send(.data(1, [UInt8](repeating: 0, count: 16_384)))
        #expect(peer.resets(1) == [Code.noError])
        #expect(peer.events.isEmpty)
        #expect(peer.ask { $0.streamCount } == 0)
    }

    @Test func section_8_1_afterAnEarlyResponseNothingMoreCanBeSent() {
        let peer = TestPeer()
        guard let slot = peer.open(1, fields: post, end: false) else { return }
        #expect(peer.append(slot, [1], end: true) == .accepted)
        #expect(peer.append(slot, [2]) == .closed)
        #expect(!peer.ask { $0.reset(slot, .cancel) })
        #expect(!peer.ask { $0.finish(slot) })
        peer.flush()
        #expect(peer.received == [.data(1, [1], end: true)])
    }

    @Test func section_8_1_earlyResponseAndABodyThatEndsNeedNoReset() {
        let peer = TestPeer()
        if let slot = peer.open(1, fields: post, end: false) { peer.session.finish(slot) }
        peer.send(.data(1, [1, 2], end: true))
        #expect(peer.resets(1).isEmpty)
        #expect(peer.ask { $0.streamCount } == 0)
    }

    @Test func section_8_1_earlyResponseAndABodyThatNeverEndsIsResetByTime() {
        let peer = TestPeer { $0.lingerNanoseconds = 50 }
        if let slot = peer.open(1, fields: post, end: false) { peer.session.finish(slot) }
        peer.session.tick(now: 49)
        #expect(peer.ask { $0.streamCount } == 1)
        peer.session.tick(now: 50)
        peer.flush()
        #expect(peer.resets(1) == [Code.noError])
        #expect(peer.ask { $0.streamCount } == 0)
    }

    @Test func section_8_1_interimResponsesComeBeforeTheFinalOne() {
        let peer = TestPeer()
        peer.send(.headers(1, block(post), end: false))
        guard case .request(let slot, _, _)? = peer.events.last else { return }
        #expect(peer.ask { $0.sendInformational(slot, HTTP2ResponseHead(status: 100)) })
        #expect(peer.append(slot, count: 1) == .closed)
        #expect(peer.ask { $0.sendHead(slot, HTTP2ResponseHead(status: 200)) })
        let again = peer.session.sendHead(slot, HTTP2ResponseHead(status: 200))
        let late = peer.session.sendInformational(slot, HTTP2ResponseHead(status: 100))
        #expect(!again && !late)
        #expect(peer.ask { $0.finish(slot) })
        peer.flush()
        #expect(peer.received.map(\.flags) == [4, 4, 1])
    }

    @Test(arguments: ["Accept", "x y", "x\u{7f}", "x:y", "", "x\u{e9}", "x\n", "x\u{0}"])
    func section_8_2_1_invalidFieldNamesAreMalformed(name: String) {
        guard !name.isEmpty else { return }
        #expect(isMalformed(get + [(name, "1")]))
    }

    @Test(arguments: ["a\u{0}b", "a\nb", "a\rb", " a", "a ", "\ta", "a\t", "a\u{1}", "a\u{7f}"])
    func section_8_2_1_invalidFieldValuesAreMalformed(value: String) {
        #expect(isMalformed(get + [("x-value", value)]))
    }

    @Test(arguments: ["", "a\tb", "a b", "é", "\u{21}~"])
    func section_8_2_1_validFieldValuesPass(value: String) {
        #expect(!isMalformed(get + [("x-value", value)]))
    }

    @Test(arguments: ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"])
    func section_8_2_2_connectionSpecificFieldsAreMalformed(name: String) {
        #expect(isMalformed(get + [(name, "close")]))
    }

    @Test func section_8_2_2_teMayOnlySayTrailers() {
        #expect(isMalformed(get + [("te", "gzip")]))
        #expect(isMalformed(get + [("te", "trailers, gzip")]))
        #expect(!isMalformed(get + [("te", "trailers")]))
    }

    @Test func section_8_2_3_cookieCrumbsAreJoined() {
        let peer = TestPeer()
        peer.send(.headers(1, block(get + [("cookie", "a=b"), ("x", "y"), ("cookie", "c=d; e=f")])))
        #expect(peer.requests.first?.headers["cookie"] == ["a=b; c=d; e=f"])
    }

    @Test(arguments: [":status", ":protocol", ":unknown", ":"])
    func section_8_3_undefinedPseudoHeaderFieldsAreMalformed(name: String) {
        #expect(isMalformed(get + [(name, "1")]))
    }

    @Test func section_8_3_pseudoHeaderFieldsComeFirst() {
        #expect(isMalformed(Array(get[..<3]) + [("x", "y"), get[3]]))
    }

    @Test(arguments: 0..<4)
    func section_8_3_pseudoHeaderFieldsComeOnce(position: Int) {
        #expect(isMalformed(get + [get[position]]))
    }

    @Test(arguments: [0, 1, 3])
    func section_8_3_1_methodSchemeAndPathAreMandatory(position: Int) {
        var fields = get
        fields.remove(at: position)
        #expect(isMalformed(fields))
    }

    @Test(arguments: ["", "index", "*", "/a b", "http://origin.test/", "/\u{1f}"])
    func section_8_3_1_pathMustBeAbsolute(path: String) {
        #expect(isMalformed([get[0], get[1], get[2], (":path", path)]))
    }

    @Test func section_8_3_1_theAsteriskIsForOptions() {
        #expect(!isMalformed([(":method", "OPTIONS"), get[1], (":path", "*")]))
    }

    @Test(arguments: ["", "G ET", "GET/"])
    func section_8_3_1_theMethodMustBeAToken(method: String) {
        #expect(isMalformed([(":method", method), get[1], get[2], get[3]]))
    }

    @Test(arguments: ["", "1http", "ht tp"])
    func section_8_3_1_theSchemeMustBeAScheme(scheme: String) {
        #expect(isMalformed([get[0], (":scheme", scheme), get[2], get[3]]))
    }

    @Test func section_8_3_1_theAuthorityHasNoUserInformation() {
        #expect(isMalformed([get[0], get[1], (":authority", "me@origin.test"), get[3]]))
    }

    @Test func section_8_3_1_hostMustNameTheSameEntity() {
        #expect(isMalformed(get + [("host", "other.test")]))
        #expect(!isMalformed(get + [("host", "ORIGIN.test:80")]))
        #expect(isMalformed(get + [("host", "origin.test"), ("host", "origin.test")]))
    }

    @Test func section_8_3_1_hostStandsInForAMissingAuthority() {
        let peer = TestPeer()
        peer.send(.headers(1, block([get[0], get[1], get[3], ("host", "origin.test")])))
        #expect(peer.requests.first?.authority == "origin.test")
    }

    @Test func section_8_5_connectHasAnAuthorityAndNeitherSchemeNorPath() {
        #expect(!isMalformed([(":method", "CONNECT"), (":authority", "far.test:443")]))
        #expect(isMalformed([(":method", "CONNECT")]))
        #expect(isMalformed([(":method", "CONNECT"), (":authority", "")]))
        #expect(isMalformed([(":method", "CONNECT"), get[1], (":authority", "far.test:443")]))
        #expect(isMalformed([(":method", "CONNECT"), (":authority", "far.test:443"), get[3]]))
    }

    @Test func section_10_5_1_aHeaderListAboveTheSettingIsAnsweredWith431() {
        let peer = TestPeer { $0.maxHeaderListSize = 500 }
        peer.send(.headers(1, block(get + [("x-large", String(repeating: "a", count: 400))]), end: false))
        #expect(peer.requests.isEmpty)
        #expect(peer.received.map(\.type) == [1, 3])
        #expect(peer.resets(1) == [Code.noError])
        peer.send(.headers(3, block(get)))
        #expect(peer.requests.count == 1)
    }
}
