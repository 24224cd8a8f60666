// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `/debug/traces`: the last traces of the process, kept in memory, for looking at one stream without a collector.

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Shard {
    func traceList() -> Response {
        guard let recorder = self.shared.tracer.processor.recorder else { return Self.noTraces }
        return .json(text: ByteBuffer(string: OTLPJSON.list(recorder.summaries())))
    }

    func trace(_ text: String) -> Response {
        guard let recorder = self.shared.tracer.processor.recorder else { return Self.noTraces }
        guard let id = TraceID(hex: text) else {
            return .problem(
                .badRequest, detail: "\"\(text.prefix(80))\" is no trace id: 32 lowercase hexadecimal digits.")
        }
        let spans = recorder.spans(of: id)
        guard !spans.isEmpty else {
            return .problem(
                .notFound, detail: "No span of this trace is here: not sampled, not ended, or too long ago.")
        }
        let telemetry = self.shared.telemetry
        let text = OTLPJSON.text(spans, resource: telemetry.resource, scope: telemetry.scope)
        return .json(text: ByteBuffer(string: text))
    }

    private static let noTraces = Response.problem(.notFound, detail: "This process keeps no traces.")
}
