// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct TracingSettingsTests {
    private func read(_ environment: [String: String]) -> (settings: TracingSettings, warnings: [SettingWarning]) {
        TracingSettings.reading(
            environment,
            process: ProcessIdentity(
                name: "headwater", version: "1.2.3", hostName: "box", processID: 7, instanceID: "run-1"))
    }

    @Test func withoutVariablesTheStandardsDefaultsHold() {
        let (settings, warnings) = read([:])
        #expect(warnings.isEmpty && settings.isEnabled && settings.exporters == [.otlp])
        #expect(settings.sampler == .standard && settings.propagation == .standard && settings.limits == SpanLimits())
        #expect(settings.queueCapacity == 2048 && settings.batchSize == 512)
        #expect(settings.batchDelay == .seconds(5) && settings.exportTimeout == .seconds(30))
        #expect(settings.otlp.url == "http://localhost:4318/v1/traces" && settings.otlp.timeout == .seconds(10))
        #expect(settings.otlp.headers.isEmpty && settings.otlp.compression == .none)
    }

    /// Every variable that is empty or blank is as good as not there.
    @Test func emptyMeansUnset() {
        let names = Self.bad.map(\.0)
        for blank in ["", "  "] {
            let (settings, warnings) = read(Dictionary(uniqueKeysWithValues: Set(names).map { ($0, blank) }))
            #expect(warnings.isEmpty && settings == read([:]).settings)
        }
    }

    private static let bad: [(String, String)] = [
        ("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_TRACES_SAMPLER", "sometimes"), ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_QUEUE_SIZE", "many"), ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "5s"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1.5"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://a"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a b"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http:///v1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=x%0d%0ab"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"), ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "x"), ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"), ("OTEL_SDK_DISABLED", "yes"),
    ]

    @Test(arguments: bad)
    func aBadValueWarnsAndIsIgnoredAndNeverPrinted(variable: String, value: String) {
        let (settings, warnings) = read([variable: value])
        #expect(warnings.map(\.variable) == [variable])
        #expect(settings == read([:]).settings)
        #expect(!"\(warnings)".contains(value) || value.count < 8)
    }

    @Test func aBadSpecificVariableFallsBackToTheGeneralOne() {
        let (settings, warnings) = read([
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=general", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": " A-Key = b%20c , d= ",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "/key.pem", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/client.pem",
        ])
        #expect(warnings.map(\.variable) == ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"])
        #expect(settings.otlp.timeout == .seconds(2) && settings.otlp.compression == .none)
        #expect(settings.otlp.headers == [OTLPHeader("a-key", "b c"), OTLPHeader("d", "")])
        #expect(settings.otlp.certificate == "/ca.pem" && settings.otlp.clientKey == "/key.pem")
        #expect(settings.otlp.clientCertificate == "/client.pem")
    }

    @Test(
        arguments: [
            ("http://c:4318", nil, "http://c:4318/v1/traces"), ("http://c:4318/", nil, "http://c:4318/v1/traces"),
            ("https://c/otlp", nil, "https://c/otlp/v1/traces"), ("http://c", "http://t/x", "http://t/x"),
            ("http://c", "http://t:1", "http://t:1/"), (nil, "HTTP://t/v1/traces/", "HTTP://t/v1/traces/"),
            ("http://[::1]:4318", nil, "http://[::1]:4318/v1/traces"), ("http://c", "nonsense", "http://c/v1/traces"),
            ("http://c?a=1", nil, "http://localhost:4318/v1/traces"), (nil, "http://t/x?a=1", "http://t/x?a=1"),
        ] as [(String?, String?, String)])
    func theEndpointGetsThePathOfTheSignalUnlessItIsSpecific(general: String?, traces: String?, url: String) {
        var environment: [String: String] = [:]
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = general
        environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = traces
        #expect(read(environment).settings.otlp.url == url)
    }

    @Test func theResourceSaysWhatTheProcessIs() {
        let attributes = read([:]).settings.resource.attributes
        #expect(
            attributes == [
                Attribute("service.name", "headwater"), Attribute("service.version", "1.2.3"),
                Attribute("service.instance.id", "run-1"), Attribute("telemetry.sdk.name", "headwater"),
                Attribute("telemetry.sdk.language", "swift"), Attribute("telemetry.sdk.version", "1.2.3"),
                Attribute("host.name", "box"), Attribute("process.pid", 7),
            ])
    }

    @Test func theEnvironmentGoesBeforeTheProcessAndTheServiceNameBeforeAll() {
        let resource = read([
            "OTEL_SERVICE_NAME": "named", "POD_NAME": "pod-1", "K8S_NAMESPACE": "prod", "POD_NAMESPACE": "other",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=attr,k8s.pod.name=pod%202,team=a%2Cb,host.name=",
        ]).settings.resource
        #expect(resource["service.name"] == "named" && resource["k8s.pod.name"] == "pod 2")
        #expect(resource["k8s.namespace.name"] == "prod" && resource["team"] == "a,b" && resource["host.name"] == "")
        let names = resource.attributes.map(\.key)
        #expect(Set(names).count == names.count)
    }

    @Test func aRandomInstanceIsAUUIDOfItsOwn() {
        let ids = (0..<2).map { _ in
            TracingSettings.reading([:], process: ProcessIdentity(name: "a", version: "1")).settings
                .resource["service.instance.id"]
        }
        guard case .string(let id) = ids[0] else {
            Issue.record("no instance id")
            return
        }
        #expect(ids[0] != ids[1] && id.count == 36)
        let digits = id.split(separator: "-")
        #expect(
            digits.map(\.count) == [8, 4, 4, 4, 12] && digits[2].first == "4" && "89ab".contains(digits[3].prefix(1)))
    }

    @Test func samplersLimitsAndTheRestAreRead() {
        let (settings, warnings) = read([
            "OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "console, otlp", "OTEL_PROPAGATORS": "tracecontext",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "10", "OTEL_SPAN_EVENT_COUNT_LIMIT": "0", "OTEL_SPAN_LINK_COUNT_LIMIT": "5",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "6", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "7",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "20", "OTEL_BSP_MAX_QUEUE_SIZE": "100",
            "OTEL_BSP_SCHEDULE_DELAY": "0", "OTEL_BSP_EXPORT_TIMEOUT": "1",
        ])
        #expect(warnings.isEmpty && !settings.isEnabled && settings.exporters == [.console, .otlp])
        #expect(settings.sampler == Sampler(root: .traceIDRatio(0.25), isParentBased: true))
        #expect(settings.propagation == .traceContext && settings.limits.attributes == 10)
        #expect(settings.limits.events == 0 && settings.limits.links == 5 && settings.limits.valueLength == 20)
        #expect(settings.limits.attributesPerEvent == 6 && settings.limits.attributesPerLink == 7)
        // A queue smaller than a batch makes the batch smaller, and that is no mistake of the operator's.
        #expect(settings.queueCapacity == 100 && settings.batchSize == 100)
        #expect(settings.batchDelay == .zero && settings.exportTimeout == .milliseconds(1))
    }

    @Test func aSpanNeverCarriesMoreThan128() {
        let (settings, warnings) = read([
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "500", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "200",
        ])
        #expect(settings.limits.attributes == 128 && warnings.count == 1)
    }

    @Test func aBadRatioIsIgnoredAndTheSamplerIsNot() {
        let (settings, warnings) = read(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"])
        #expect(warnings.map(\.variable) == ["OTEL_TRACES_SAMPLER_ARG"])
        #expect(settings.sampler == Sampler(root: .traceIDRatio(1), isParentBased: false))
        #expect(read(["OTEL_TRACES_EXPORTER": "none"]).settings.exporters == [.none])
        #expect(read(["OTEL_PROPAGATORS": "none"]).settings.propagation == [])
    }

    @Test func secretsStayOutOfLogsAndFieldsOfTheBodyStayOurs() {
        var settings = OTLPSettings()
        settings.url = "https://user:secret@collector:4318/v1/traces"
        #expect(settings.printableURL == "https://collector:4318/v1/traces")
        settings.headers = [OTLPHeader("content-type", "text/plain"), OTLPHeader("user-agent", "mine")]
        let request = settings.request(body: [1], isGzip: false, timeout: 5)
        #expect(
            request.headers == [OTLPHeader("content-type", "application/x-protobuf"), OTLPHeader("user-agent", "mine")])
        #expect(request.contentEncoding == nil)
    }
}
