// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Takes the bodies of all responses of a connection where they lie, instead of `HTTPResponseEvent.body`: for a load
/// generator, to which a buffer per frame costs more than the frame. Heads and ends come to each request's receiver as
/// ever. Without the sink's speed in mind, leave it alone: the buffers of the ordinary way can be kept.
public protocol HTTPBodySink: AnyObject {
    /// Body bytes, in order, as they were framed or less. On the connection's loop.
    ///
    /// It must not call into the connection, which is in the middle of its input: what a piece gives reason for has to
    /// wait for the loop's next turn.
    /// - Parameters:
    ///   - bytes: valid until the call returns; never empty.
    ///   - token: what the request was started with.
    func received(_ bytes: UnsafeRawBufferPointer, token: UInt32, arrival: HTTPArrival)
}
