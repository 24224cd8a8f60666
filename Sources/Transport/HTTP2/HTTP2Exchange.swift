// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One request and its response on an HTTP/2 connection, as far as it is not the session's to know.

import NIOCore

/// Small while a stream is idle: the request is forgotten once it is answered.
struct HTTP2Exchange: HTTP2StreamExchange {
    let slot: StreamSlot
    /// The request while it is read or answered.
    var request: HTTP2PendingRequest?
    /// Set while an event stream is open.
    var token: StreamToken?
    /// What the windows or the output had no room for. Bound: one message, since no other is taken before it is gone.
    var rest = ByteBuffer()
    /// The response ends with ``rest``.
    var endsAfterRest = false
    /// The application was told `blocked` and waits for word.
    var awaitsWritable = false
}

/// A request on its way to the application. An object, so that an idle stream pays one pointer for it.
final class HTTP2PendingRequest {
    let head: RequestHead
    let bodyLimit: Int
    var body = ByteBuffer()
    /// Bytes of the body whose windows were not given back to the peer yet.
    var withheldBytes = 0
    /// Monotonic nanoseconds by which the body must be complete.
    let deadline: Int64
    /// The answer, decided by the head alone; the body is dropped.
    let refusal: Response?

    init(head: RequestHead, bodyLimit: Int, refusal: Response?, deadline: Int64) {
        self.head = head
        self.bodyLimit = bodyLimit
        self.refusal = refusal
        self.deadline = deadline
    }
}
