// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One operation of the product, made ready to be repeated. Its initialiser prepares the state, does the operation
/// once and throws unless it did its work: a figure for an operation that fails early would be worth nothing.
public protocol Workload: AnyObject {
    /// Gets ready what so many steps use up; not measured.
    func prepare(_ steps: Int) throws

    /// Does the operation again and again.
    /// - Returns: something that depends on every step, so that none of them can be left out.
    func run(_ steps: Int) -> Int
}

extension Workload {
    public func prepare(_ steps: Int) throws {}
}

/// A workload before it is made.
public struct WorkloadKind: Sendable {
    /// In lower case with hyphens: what the command line and saved figures know it by.
    public let name: String
    /// What one operation is, in a few words for a table.
    public let operation: String
    /// Operations in a step: of some, such as the spans of a batch, there is no single one.
    public let operationsPerStep: Int
    /// Steps that are measured together: enough that what a buffer costs when it grows is spread as in the long run.
    public let steps: Int
    public let make: @Sendable () throws -> any Workload

    init(
        _ name: String,
        _ operation: String,
        operationsPerStep: Int = 1,
        steps: Int,
        make: @escaping @Sendable () throws -> any Workload
    ) {
        self.name = name
        self.operation = operation
        self.operationsPerStep = operationsPerStep
        self.steps = steps
        self.make = make
    }
}

/// An operation did not do what it is measured for.
public struct WorkloadError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless `holds`.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws(WorkloadError) {
    if !holds { throw WorkloadError(what()) }
}
