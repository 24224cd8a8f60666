// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `/debug/traces`: the last traces of the process, kept in memory, for looking at one stream without a collector.

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Shard {
    private static let listedTraces = 200

    func traceList() -> Response {
        guard let recorder = self.shared.tracer.processor.recorder else { return Self.noTraces }
        return Self.json(OTLPJSON.list(recorder.summaries(limit: Self.listedTraces)))
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
        return Self.json(OTLPJSON.text(spans, resource: telemetry.resource, scope: telemetry.scope))
    }

    private static let noTraces = Response.problem(.notFound, detail: "This process keeps no traces.")

    private static func json(_ text: String) -> Response {
        let headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        return Response(status: .ok, headers: headers, body: ByteBuffer(string: text))
    }
}
