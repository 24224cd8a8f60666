// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The variables of https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and of the OTLP
// exporter. Empty means unset; a bad value warns and is ignored; a `_TRACES_` variable goes before the general one.

extension TracingSettings {
    /// The settings that an environment asks for.
    public static func reading(
        _ environment: [String: String],
        process: ProcessIdentity
    ) -> (settings: TracingSettings, warnings: [SettingWarning]) {
        var reader = EnvironmentReader(environment)
        var settings = TracingSettings(resource: .reading(&reader, process: process))
        settings.isEnabled = !reader.flag("OTEL_SDK_DISABLED")
        settings.readExporters(&reader)
        settings.readSampler(&reader)
        settings.readPropagation(&reader)
        settings.readLimits(&reader)
        settings.readBatching(&reader)
        settings.otlp.read(&reader)
        settings.otlp.userAgent = "OTel-OTLP-Exporter-Swift/\(process.version) \(process.name)/\(process.version)"
        return (settings, reader.warnings)
    }

    private mutating func readExporters(_ reader: inout EnvironmentReader) {
        guard let names = reader.list("OTEL_TRACES_EXPORTER") else { return }
        let known = names.compactMap(Exporter.init(rawValue:))
        if known.count < names.count { reader.warn("OTEL_TRACES_EXPORTER", "known are otlp, console and none") }
        guard !known.isEmpty else { return }
        exporters = Set(known)
        if exporters.count > 1 { exporters.remove(.none) }
    }

    private mutating func readSampler(_ reader: inout EnvironmentReader) {
        let name = reader.text("OTEL_TRACES_SAMPLER")
        var ratio = 1.0
        if let text = reader.text("OTEL_TRACES_SAMPLER_ARG"), name?.hasSuffix("traceidratio") ?? false {
            if let value = Double(text), (0...1).contains(value) {
                ratio = value
            } else {
                reader.warn("OTEL_TRACES_SAMPLER_ARG", "a ratio is a number from 0 to 1")
            }
        }
        guard let name else { return }
        guard let sampler = Sampler(name: name, ratio: ratio) else {
            return reader.warn(
                "OTEL_TRACES_SAMPLER", "known are always_on, always_off, traceidratio, and each with parentbased_")
        }
        self.sampler = sampler
    }

    private mutating func readPropagation(_ reader: inout EnvironmentReader) {
        guard let names = reader.list("OTEL_PROPAGATORS") else { return }
        var propagation: Propagation = []
        for name in names {
            switch name {
            case "tracecontext": propagation.insert(.traceContext)
            case "baggage": propagation.insert(.baggage)
            case "none": break
            default: reader.warn("OTEL_PROPAGATORS", "known are tracecontext, baggage and none")
            }
        }
        let known = names.contains { ["tracecontext", "baggage", "none"].contains($0) }
        if known { self.propagation = propagation }
    }

    private mutating func readLimits(_ reader: inout EnvironmentReader) {
        let attributes = "OTEL_ATTRIBUTE_COUNT_LIMIT"
        let length = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
        limits.attributes =
            reader.limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") ?? reader.limit(attributes) ?? limits.attributes
        limits.valueLength =
            reader.count("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", from: 0) ?? reader.count(length, from: 0)
        limits.events = reader.limit("OTEL_SPAN_EVENT_COUNT_LIMIT") ?? limits.events
        limits.links = reader.limit("OTEL_SPAN_LINK_COUNT_LIMIT") ?? limits.links
        limits.attributesPerEvent = reader.limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT") ?? limits.attributesPerEvent
        limits.attributesPerLink = reader.limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT") ?? limits.attributesPerLink
    }

    private mutating func readBatching(_ reader: inout EnvironmentReader) {
        queueCapacity = reader.count("OTEL_BSP_MAX_QUEUE_SIZE", from: 1) ?? queueCapacity
        batchSize = reader.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", from: 1) ?? min(batchSize, queueCapacity)
        if batchSize > queueCapacity {
            reader.warn("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "it exceeds the queue; the queue's size is taken")
            batchSize = queueCapacity
        }
        batchDelay = reader.milliseconds("OTEL_BSP_SCHEDULE_DELAY", from: 0) ?? batchDelay
        exportTimeout = reader.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", from: 1) ?? exportTimeout
    }
}

extension OTLPSettings {
    fileprivate mutating func read(_ reader: inout EnvironmentReader) {
        if let endpoint = reader.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", hasQuery: true) {
            // "The URL MUST be used as-is", but for a path, which HTTP needs.
            url = Self.hasPath(endpoint) || endpoint.contains("?") ? endpoint : endpoint + "/"
        } else if let endpoint = reader.url("OTEL_EXPORTER_OTLP_ENDPOINT") {
            url = endpoint + (endpoint.hasSuffix("/") ? "v1/traces" : "/v1/traces")
        }
        if let value = reader.signal("HEADERS", EnvironmentReader.headers) { headers = value }
        let known: (String) -> EnvironmentReader.Parsed<OTLPCompression> = {
            OTLPCompression(rawValue: $0).map { .value($0) } ?? .bad("known are gzip and none")
        }
        if let value = reader.signal("COMPRESSION", known) { compression = value }
        if let value = reader.signal("TIMEOUT", EnvironmentReader.positiveMilliseconds) { timeout = value }
        _ = reader.signal("PROTOCOL") { name -> EnvironmentReader.Parsed<Void> in
            name == "http/protobuf" ? .value(()) : .bad("only http/protobuf is spoken here")
        }
        certificate = reader.signal("CERTIFICATE") { .value($0) }
        clientKey = reader.signal("CLIENT_KEY") { .value($0) }
        clientCertificate = reader.signal("CLIENT_CERTIFICATE") { .value($0) }
    }

    private static func hasPath(_ url: String) -> Bool {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).count > 3
    }
}
