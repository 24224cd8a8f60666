// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// Writes past the pipeline. An open gate is a connected `OutgoingBIO`: whatever OpenSSL says, be it an event or its
// answer to a key update, then goes to the socket at once and in order, because nothing is in front of it:
//
// - no plaintext is staged and no ciphertext is kept, or the gate is not opened;
// - nothing of ours is in the channel's queue: `writeBelow` shuts the gate, and `writesBelow` is zero when it opens;
// - nobody else writes below this handler.
extension TLSHandler {
    /// The TLS of a channel, for who wants to open its gate; `nil` if there is none.
    /// - Parameter socket: the channel's.
    static func withGate(on channel: any Channel, to socket: DirectSocket) -> TLSHandler? {
        guard let handler = try? channel.pipeline.syncOperations.handler(type: TLSHandler.self) else { return nil }
        handler.socket = socket
        return handler
    }

    /// Opens the gate as soon as nothing is in the way, and again after what comes in the way, until it is shut.
    func openGate() {
        wantsGate = true
        openGateIfClear()
    }

    /// Whoever is about to end the connection, or no longer knows the descriptor to be its own, calls this first; see
    /// ``WriteGate``.
    func shutGate() {
        wantsGate = false
        connection.outgoing.disconnect()
    }

    func openGateIfClear() {
        guard wantsGate, writesBelow == 0, stage.isEmpty, !connection.hasOutput, connection.outgoing.failure == 0,
            case .encrypt = machine.written(), let socket, socket.isActive
        else { return }
        connection.outgoing.connect(to: socket.descriptor)
    }

    /// Encrypts and sends what the gate lets through. None of it was taken if the gate is shut: a write through the
    /// pipeline then waits for its turn.
    func writeDirectly(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome {
        connection.writeThroughGate(bytes) ?? refusal
    }

    private var refusal: WriteOutcome {
        let failure = connection.outgoing.failure
        return failure == 0 ? .wrote(0) : .failed(errno: failure)
    }
}
