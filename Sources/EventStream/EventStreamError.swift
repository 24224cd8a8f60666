// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Why an event could not be encoded, or a stream not be decoded any further.
public enum EventStreamError: Error, Sendable, Equatable {
    /// Decoding: a line is longer than ``EventStreamLimits/maximumLineBytes``.
    case lineTooLong(limit: Int)
    /// Decoding: the data of one event exceeds ``EventStreamLimits/maximumEventBytes``.
    case eventTooLarge(limit: Int)
    /// Encoding: the event type holds CR or LF, which would end the field and start another.
    case lineBreakInType
    /// Encoding: the id holds CR or LF, which would end the field and start another.
    case lineBreakInID
    /// Encoding: the id holds U+0000, and receivers ignore such an id (HTML, section 9.2.6).
    case nullInID
    /// Encoding: the reconnection time is negative or above ``ServerSentEvent/maximumRetry``.
    case retryOutOfRange(Int)
}

extension EventStreamError: CustomStringConvertible {
    /// What happened and what to do about it, for a log line or the body of a response.
    public var description: String {
        switch self {
        case .lineTooLong(let limit):
            "a line of the event stream is longer than \(limit) bytes; send shorter lines, or raise the line limit"
        case .eventTooLarge(let limit):
            "an event carries more than \(limit) bytes of data; end events with a blank line and split large ones, "
                + "or raise the event limit"
        case .lineBreakInType:
            "the event type contains a line break; remove CR and LF from it"
        case .lineBreakInID:
            "the event id contains a line break; remove CR and LF from it"
        case .nullInID:
            "the event id contains a NUL character, and receivers ignore such an id; remove it"
        case .retryOutOfRange(let retry):
            "the reconnection time \(retry) is out of range; give milliseconds from 0 to "
                + "\(ServerSentEvent.maximumRetry)"
        }
    }
}
