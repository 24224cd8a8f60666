// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What the process is, sent once with every batch (OpenTelemetry, "Resource").
public struct Resource: Hashable, Sendable {
    public private(set) var attributes: [Attribute]
    /// The semantic conventions that the names follow.
    public let schemaURL: String

    /// The release of the semantic conventions that the names of this module follow.
    public static let schemaURL = "https://opentelemetry.io/schemas/1.44.0"

    public init(attributes: [Attribute], schemaURL: String = Resource.schemaURL) {
        self.attributes = []
        self.schemaURL = schemaURL
        for attribute in attributes { set(attribute) }
    }

    public subscript(_ key: AttributeKey) -> AttributeValue? { attributes.first { $0.key == key }?.value }

    /// Sets one attribute, in place of an earlier one of that name.
    mutating func set(_ attribute: Attribute) {
        if let index = attributes.firstIndex(where: { $0.key == attribute.key }) {
            attributes[index] = attribute
        } else {
            attributes.append(attribute)
        }
    }
}

/// Who wrote the instrumentation, sent once with every batch.
public struct InstrumentationScope: Hashable, Sendable {
    public let name: String
    public let version: String
    public let schemaURL: String

    public init(name: String, version: String, schemaURL: String = Resource.schemaURL) {
        self.name = name
        self.version = version
        self.schemaURL = schemaURL
    }
}

/// `OTEL_EXPORTER_OTLP_COMPRESSION`.
public enum OTLPCompression: String, Hashable, Sendable, CaseIterable {
    case gzip
    case none
}
