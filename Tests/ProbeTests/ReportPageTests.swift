// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import Probe

@Suite("The report as a page")
struct ReportPageTests {
    private func element(_ id: String, of page: String) throws -> String {
        let start = try #require(page.firstRange(of: "id=\"\(id)\">")).upperBound
        let end = try #require(page[start...].firstRange(of: "</script>")).lowerBound
        return String(page[start..<end])
    }

    @Test(arguments: [
        "</script><script>alert(1)</script>", "<!--<script>", "]]>", "&lt;/script&gt;", "\u{2028}\"\\", "{{REPORT}}",
        "}}",
    ])
    func whatServersSayStaysWithinTheJSON(hostile: String) throws {
        let json = ReportJSON.encode(["name": hostile], isPretty: false)
        let page = ReportPage.html(report: json, samples: "[]", nonce: "n0nce")
        let found = try element("report", of: page)
        #expect(!found.contains("<") && !found.contains(">"))
        #expect(try JSONDecoder().decode([String: String].self, from: Data(found.utf8)) == ["name": hostile])
        #expect(try element("samples", of: page) == "[]")
        #expect(page.ranges(of: "<script").count == 3)
    }

    @Test func everyPlaceIsFilled() {
        let page = ReportPage.html(report: "{}", samples: "[]", nonce: "n0nce")
        #expect(!page.contains("{{"))
        #expect(page.contains("script-src 'nonce-n0nce'") && page.contains("<script nonce=\"n0nce\">"))
    }

    @Test func theNonceOfEachPageIsItsOwn() {
        let pages = (0..<2).map { _ in ReportPage.html([String: String](), samples: []) }
        #expect(pages[0] != pages[1])
    }

    /// What the page's policy cannot catch: a script that makes markup of text.
    @Test(arguments: [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://",
        "https://", ".src", "href",
    ])
    func thePageMakesNoMarkupOfTextAndAsksNoNetwork(call: String) {
        let page = ReportPage.html(report: "{}", samples: "[]", nonce: "n")
            .replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!page.contains(call))
    }
}
