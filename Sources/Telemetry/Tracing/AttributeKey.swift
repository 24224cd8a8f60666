// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The name of an attribute. A literal, which is the rule, costs a pointer: nothing is counted, copied or freed.
///
/// Names that only exist at run time, from libraries or from the environment, are kept as text.
public struct AttributeKey: Sendable, ExpressibleByStringLiteral {
    private enum Storage: Sendable {
        case literal(StaticString)
        case text(String)
    }

    private let storage: Storage

    public init(stringLiteral literal: StaticString) { storage = .literal(literal) }

    public init(_ text: String) { storage = .text(text) }

    public var name: String {
        switch storage {
        case .literal(let literal): literal.description
        case .text(let text): text
        }
    }

    /// The bytes of the name, when they stay where they are for as long as the process lives.
    @inline(__always)
    var immortalBytes: UnsafeBufferPointer<UInt8>? {
        // A literal of a single scalar has no address.
        guard case .literal(let literal) = storage, literal.hasPointerRepresentation else { return nil }
        return UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }
}

extension AttributeKey: Hashable {
    public static func == (left: AttributeKey, right: AttributeKey) -> Bool {
        if let left = left.immortalBytes, let right = right.immortalBytes {
            return left.count == right.count && (left.baseAddress == right.baseAddress || left.elementsEqual(right))
        }
        return left.name == right.name
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension AttributeKey: CustomStringConvertible {
    public var description: String { name }
}

/// The value of an attribute, with the types that OTLP has for them.
public enum AttributeValue: Hashable, Sendable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case strings([String])
    case ints([Int64])
    case doubles([Double])
    case bools([Bool])

    /// Shortened to `limit` Unicode scalars in each string, as `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` asks.
    func limited(to limit: Int) -> AttributeValue {
        switch self {
        case .string(let text): .string(Self.limited(text, to: limit))
        case .strings(let texts): .strings(texts.map { Self.limited($0, to: limit) })
        default: self
        }
    }

    private static func limited(_ text: String, to limit: Int) -> String {
        // A scalar takes a byte at least: most texts are decided by a comparison.
        text.utf8.count <= limit ? text : String(text.unicodeScalars.prefix(limit))
    }
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}

/// One name with one value. A span's attributes are an array of these: a span has few, and is written once.
public struct Attribute: Hashable, Sendable {
    public let key: AttributeKey
    public var value: AttributeValue

    public init(_ key: AttributeKey, _ value: AttributeValue) {
        self.key = key
        self.value = value
    }

    public init(_ key: AttributeKey, _ value: String) { self.init(key, .string(value)) }
    public init(_ key: AttributeKey, _ value: Int) { self.init(key, .int(Int64(value))) }
    public init(_ key: AttributeKey, _ value: Double) { self.init(key, .double(value)) }
    public init(_ key: AttributeKey, _ value: Bool) { self.init(key, .bool(value)) }
}
