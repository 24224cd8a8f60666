// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The `traceparent` header (W3C Trace Context, section 3.2): read strictly, written as version 00.
public enum Traceparent {
    /// The context that the request's `traceparent` fields carry, marked as remote.
    ///
    /// Nil, which means that a new trace starts, when there is none, more than one, or an invalid one (section 4.3,
    /// steps 2 to 4). A higher version is read as far as version 00 goes (section 3.2.1).
    public static func context(
        traceparent headers: some Collection<some StringProtocol>,
        tracestate: some Sequence<some StringProtocol>
    ) -> SpanContext? {
        guard headers.count == 1, let header = headers.first, var context = Self.parse(header) else { return nil }
        context.state = TraceState(headers: tracestate)
        return context
    }

    /// One value, without its `tracestate`.
    public static func parse(_ header: some StringProtocol) -> SpanContext? {
        let text = Substring(header).trimmingBlanks().utf8
        let parts = text.split(separator: UInt8(ascii: "-"), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].count == 2, parts[1].count == 32, parts[2].count == 16, parts[3].count == 2
        else { return nil }
        var versionDigits = HexReader(parts[0])
        var flagDigits = HexReader(parts[3])
        // 255 is forbidden (section 3.2.2.1); version 00 has exactly four parts.
        guard let version = versionDigits.byte(), version != 255, version > 0 || parts.count == 4,
            let traceID = TraceID(hex: Substring(parts[1])), let spanID = SpanID(hex: Substring(parts[2])),
            let flags = flagDigits.byte()
        else { return nil }
        // Of a higher version only the sampled flag is known (section 3.2.2.5.1 and 4.3).
        let known: TraceFlags = version == 0 ? [.sampled, .random] : .sampled
        return SpanContext(
            traceID: traceID,
            spanID: spanID,
            flags: TraceFlags(rawValue: flags).intersection(known),
            isRemote: true
        )
    }

    /// `00-{trace id}-{span id}-{flags}`.
    public static func text(_ context: SpanContext) -> String {
        // In one piece: each stream's head has it.
        String(unsafeUninitializedCapacity: 55) { output in
            var writer = HexWriter(output)
            writer.write(byte: 0)
            writer.write(character: UInt8(ascii: "-"))
            writer.write(word: context.traceID.high)
            writer.write(word: context.traceID.low)
            writer.write(character: UInt8(ascii: "-"))
            writer.write(word: context.spanID.value)
            writer.write(character: UInt8(ascii: "-"))
            writer.write(byte: context.flags.rawValue)
            return writer.count
        }
    }
}
