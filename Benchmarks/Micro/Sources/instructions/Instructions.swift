// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Workloads

/// Runs workloads for `Benchmarks/micro`, which reads what is printed here: columns with tabs between them.
///
///     instructions list                  name, operation, operations per step, steps
///     instructions check                 makes every workload and does one step; fails unless all do their work
///     instructions count NAME STEPS      does so many steps inside of `headwater_measured`, for callgrind
///     instructions time NAME SECONDS     repeats them for so long; nanoseconds per operation: the least, the median
@main
enum Instructions {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("list", 1): self.list()
            case ("check", 1): try self.check()
            case ("count", 3): try self.count(try self.find(arguments[1]), steps: Int(arguments[2]) ?? 1)
            case ("time", 3): try self.time(try self.find(arguments[1]), seconds: Double(arguments[2]) ?? 1)
            default: throw Failure("usage: instructions list | check | count NAME STEPS | time NAME SECONDS")
            }
        } catch {
            complain("instructions: \(error)")
        }
    }

    private static func list() {
        for kind in WorkloadKind.all {
            print(kind.name, kind.operation, kind.operationsPerStep, kind.steps, separator: "\t")
        }
    }

    private static func check() throws {
        for kind in WorkloadKind.all {
            do {
                let workload = try kind.make()
                try workload.prepare(1)
                print(kind.name, measured(workload, 1), separator: "\t")
            } catch {
                throw Failure("\(kind.name): \(error)")
            }
        }
    }

    private static func count(_ kind: WorkloadKind, steps: Int) throws {
        let workload = try kind.make()
        // Once outside of what is measured: lazy values are made, buffers have grown, tables are full.
        try workload.prepare(steps)
        let warm = workload.run(steps)
        try workload.prepare(steps)
        print(warm, measured(workload, steps), separator: "\t")
    }

    private static func time(_ kind: WorkloadKind, seconds: Double) throws {
        let workload = try kind.make()
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var samples: [Double] = []
        var checksum = 0
        repeat {
            try workload.prepare(kind.steps)
            let elapsed = clock.measure { checksum &+= measured(workload, kind.steps) }
            samples.append(elapsed / .nanoseconds(1) / Double(kind.steps * kind.operationsPerStep))
        } while clock.now < end
        samples.sort()
        print(samples[0], samples[samples.count / 2], checksum, separator: "\t")
    }

    private static func find(_ name: String) throws -> WorkloadKind {
        guard let kind = WorkloadKind.all.first(where: { $0.name == name }) else {
            throw Failure("no workload \(name); there are: \(WorkloadKind.all.map(\.name).joined(separator: ", "))")
        }
        return kind
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
