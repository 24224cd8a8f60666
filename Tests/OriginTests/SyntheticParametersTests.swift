// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct SyntheticParametersTests {
    private func parse(_ query: String) throws(SyntheticParameters.Invalid) -> SyntheticParameters.Request {
        try SyntheticParameters.parse(Query(query))
    }

    private func detail(_ query: String) -> String? {
        do throws(SyntheticParameters.Invalid) {
            _ = try self.parse(query)
            return nil
        } catch {
            return error.detail
        }
    }

    @Test func withoutAQueryEverythingIsTheDefault() throws {
        let request = try self.parse("")
        #expect(request.parameters == SyntheticParameters(intervalMilliseconds: 100, sizeBytes: 256, profile: .steady))
        #expect(request.durationSeconds == nil)
    }

    @Test func everyParameterIsRead() throws {
        let request = try self.parse("interval=20&size=1000&duration=30&profile=llm&seed=9&other=x")
        let expected = SyntheticParameters(intervalMilliseconds: 20, sizeBytes: 1000, profile: .llm, seed: 9)
        #expect(request.parameters == expected)
        #expect(request.durationSeconds == 30)
    }

    @Test(arguments: [
        ("interval", 10, 60_000, "milliseconds"), ("size", 64, 65_536, "bytes"), ("duration", 1, 86_400, "seconds"),
    ])
    func boundsBelongToTheRangeAndAreNamedOutsideOfIt(name: String, least: Int, most: Int, unit: String) {
        #expect(self.detail("\(name)=\(least)") == nil)
        #expect(self.detail("\(name)=\(most)") == nil)
        for value in [String(least - 1), String(most + 1), "-1", "", "ten", "10.5", "99999999999999999999"] {
            let expected = "\(name) is \"\(value)\"; it must be a whole number from \(least) to \(most) \(unit)."
            #expect(self.detail("\(name)=\(value)") == expected)
        }
    }

    @Test func aSeedIsANumberWithoutAUnit() {
        #expect(self.detail("seed=0") == nil)
        #expect(self.detail("seed=2147483647") == nil)
        let expected = "seed is \"-1\"; it must be a whole number from 0 to 2147483647."
        #expect(self.detail("seed=-1") == expected)
    }

    @Test func anUnknownProfileIsAnsweredWithTheKnownOnes() {
        let expected = "profile is \"Steady\"; it must be one of steady, llm, burst."
        #expect(self.detail("profile=Steady") == expected)
    }

    @Test(arguments: ["interval", "profile"])
    func aLongValueIsCutInTheError(name: String) throws {
        let detail = try #require(self.detail("\(name)=\(String(repeating: "x", count: 5000))"))
        #expect(detail.utf8.count < 150)
    }

    @Test func theDurationIsNotPartOfTheName() throws {
        #expect(try self.parse("duration=5").parameters == self.parse("duration=6").parameters)
    }

    @Test func namesDifferWhereParametersDo() throws {
        let names = try ["", "interval=50", "size=100", "profile=llm", "profile=burst", "seed=2"].map {
            try self.parse($0).parameters.text
        }
        #expect(Set(names).count == names.count)
    }
}
