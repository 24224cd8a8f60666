// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import FoundationEssentials

/// A report as one HTML file that needs no network: the report's JSON and decimated samples as text, and the script
/// that draws them, from the files in Page/. Names, URLs and headers in it are other people's: the script puts them
/// into text nodes only, the JSON cannot end its element, and the page's policy lets no script run but ours.
public enum ReportPage {
    /// Points of one series within the report; the JSON report has them all.
    static let seriesLimit = 4_000

    public static func html(_ report: some Encodable, samples: [SampleSeries]) -> String {
        var random = SystemRandomNumberGenerator()
        return html(
            report: ReportJSON.encode(report, isPretty: false, seriesLimit: seriesLimit),
            samples: ReportJSON.encode(samples, isPretty: false),
            nonce: (0..<4).map { _ in String(UInt32.random(in: .min ... .max, using: &random), radix: 36) }.joined())
    }

    /// - Parameter nonce: what the policy demands of scripts; unknown to whoever the contents come from.
    static func html(report: String, samples: String, nonce: String) -> String {
        var page = ""
        // In one pass, so that nothing within the contents is taken for a place to fill.
        for part in text(PackageResources.report_html).split(separator: "{{", omittingEmptySubsequences: false) {
            guard let end = part.firstRange(of: "}}") else {
                page += part
                continue
            }
            switch part[..<end.lowerBound] {
            case "NONCE": page += nonce
            case "STYLE": page += text(PackageResources.report_css)
            case "SCRIPT": page += script
            case "REPORT": page += escaped(report)
            case "SAMPLES": page += escaped(samples)
            case let other: page += "{{\(other)}}"
            }
            page += part[end.upperBound...]
        }
        return page
    }

    /// Within one function, so that the files share names and the page's globals stay as they are.
    private static var script: String {
        let files = [
            PackageResources.elements_js, PackageResources.scales_js, PackageResources.plot_js,
            PackageResources.bars_js, PackageResources.tables_js, PackageResources.charts_js,
            PackageResources.commands_js, PackageResources.page_js,
        ]
        return "\"use strict\";\n(() => {\n" + files.map(text).joined(separator: "\n") + "})();\n"
    }

    /// JSON within a script element: `<` could end it or open a comment (HTML, section 4.12.1.3). Outside of strings
    /// JSON has none of these.
    static func escaped(_ json: String) -> String {
        json.replacing("&", with: "\\u0026").replacing("<", with: "\\u003c").replacing(">", with: "\\u003e")
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
