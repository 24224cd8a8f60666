// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What the program knows of itself, for the resource. Nothing is read from the system here.
public struct ProcessIdentity: Hashable, Sendable {
    /// `service.name` unless the environment has another, and `telemetry.sdk.name`.
    public var name: String
    public var version: String
    public var hostName: String?
    public var processID: Int32?
    /// Unique to this run; random when nil.
    public var instanceID: String?

    public init(
        name: String, version: String, hostName: String? = nil, processID: Int32? = nil, instanceID: String? = nil
    ) {
        self.name = name
        self.version = version
        self.hostName = hostName
        self.processID = processID
        self.instanceID = instanceID
    }
}

extension Resource {
    /// What Kubernetes' downward API is usually mapped to. The first variable that is set counts.
    private static let kubernetes: [(key: AttributeKey, variables: [String])] = [
        ("k8s.cluster.name", ["K8S_CLUSTER_NAME"]),
        ("k8s.namespace.name", ["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE"]),
        ("k8s.node.name", ["K8S_NODE_NAME", "NODE_NAME"]),
        ("k8s.pod.name", ["K8S_POD_NAME", "POD_NAME"]),
        ("k8s.pod.uid", ["K8S_POD_UID", "POD_UID"]),
        ("k8s.pod.ip", ["K8S_POD_IP", "POD_IP"]),
        ("k8s.container.name", ["K8S_CONTAINER_NAME", "CONTAINER_NAME"]),
        ("k8s.deployment.name", ["K8S_DEPLOYMENT_NAME"]),
    ]

    /// The process's own words first, then `OTEL_RESOURCE_ATTRIBUTES`, then `OTEL_SERVICE_NAME`: the later counts.
    static func reading(_ reader: inout EnvironmentReader, process: ProcessIdentity) -> Resource {
        var resource = Resource(attributes: [
            Attribute("service.name", process.name),
            Attribute("service.version", process.version),
            Attribute("service.instance.id", process.instanceID ?? Self.randomInstanceID()),
            // "Other SDKs MUST NOT use the name opentelemetry".
            Attribute("telemetry.sdk.name", process.name),
            Attribute("telemetry.sdk.language", "swift"),
            Attribute("telemetry.sdk.version", process.version),
        ])
        if let host = process.hostName { resource.set(Attribute("host.name", host)) }
        if let id = process.processID { resource.set(Attribute("process.pid", Int(id))) }
        for (key, variables) in Self.kubernetes {
            if let value = variables.compactMap(reader.text).first { resource.set(Attribute(key, value)) }
        }
        if let text = reader.text("OTEL_RESOURCE_ATTRIBUTES") {
            // "In case of any error the entire value SHOULD be discarded".
            if let pairs = EnvironmentReader.pairs(text) {
                for (name, value) in pairs { resource.set(Attribute(AttributeKey(name), value)) }
            } else {
                reader.warn("OTEL_RESOURCE_ATTRIBUTES", "it is not of the form name=value,name=value")
            }
        }
        if let name = reader.text("OTEL_SERVICE_NAME") { resource.set(Attribute("service.name", name)) }
        return resource
    }

    /// A random UUID (RFC 9562, version 4).
    private static func randomInstanceID() -> String {
        var random = SystemRandomNumberGenerator()
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var digits = Hex.text(high, low)[...]
        return [8, 4, 4, 4, 12].map { length in
            defer { digits = digits.dropFirst(length) }
            return String(digits.prefix(length))
        }.joined(separator: "-")
    }
}
