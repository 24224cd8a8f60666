// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// A connection of a load test. Belongs to its attacker's loop.
final class LoadConnection {
    let number: Int32
    let role: LoadRole
    /// Streams that it takes.
    var capacity: Int
    /// Streams that it has or that wait for it.
    var load = 0
    /// Slots that open when it is there.
    var waiting: [Int] = []
    /// Nil until it is there.
    var link: HTTPClientLink?
    /// It is in the attacker's list of those with room.
    var isRoomy = true
    /// Takes no more streams.
    var isRetired = false
    var isClosed = false
    /// Its body is read by the attacker's poll.
    var isAdopted = false
    /// It has had streams: then its end is not a server that cannot be reached.
    var hasServed = false

    init(number: Int32, role: LoadRole, capacity: Int) {
        self.number = number
        self.role = role
        self.capacity = capacity
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        link?.close()
    }
}

extension LoadAttacker {
    func connection(of slot: Int) -> LoadConnection? {
        let number = Int(streams[slot].connection)
        return connections.indices.contains(number) ? connections[number] : nil
    }

    /// A connection for one more stream: one that is there, or on its way, or new.
    func connectionWithRoom(for role: LoadRole) -> LoadConnection {
        while let connection = roomy[role.rawValue].last {
            let isUsable = connection.link?.isAvailable ?? true
            if connection.load < connection.capacity, !connection.isClosed, !connection.isRetired, isUsable {
                return connection
            }
            connection.isRoomy = false
            roomy[role.rawValue].removeLast()
        }
        return connect(for: role)
    }

    private func connect(for role: LoadRole) -> LoadConnection {
        let number: Int32
        if let free = freeNumbers.popLast() {
            number = free
        } else {
            number = Int32(connections.count)
            connections.append(nil)
        }
        let isShared = applicationProtocol == .http2 && role != .halfDead
        let connection = LoadConnection(
            number: number, role: role, capacity: isShared ? max(plan.streamsPerConnection, 1) : 1)
        connections[Int(number)] = connection
        roomy[role.rawValue].append(connection)
        figures.pointee.counts.connections += 1
        let client = clients[role.rawValue]
        let bound = NIOLoopBound((attacker: self, connection: connection), eventLoop: loop)
        let (target, loop) = (plan.path.target, loop)
        Task {
            do throws(HTTPClientError) {
                let made = try await client.connect(to: target, on: loop)
                loop.execute { bound.value.attacker.connected(bound.value.connection, made) }
                _ = await made.end()
                loop.execute { bound.value.attacker.closed(bound.value.connection) }
            } catch {
                loop.execute { bound.value.attacker.notConnected(bound.value.connection, error) }
            }
        }
        return connection
    }

    private func connected(_ connection: LoadConnection, _ made: HTTPClientConnection) {
        let link = made.link
        guard !connection.isClosed, !isStopping else { return link.close() }
        connection.link = link
        link.deliverBodies(to: self)
        let waiting = connection.waiting
        connection.waiting = []
        for slot in waiting where streams[slot].connection == connection.number && streams[slot].phase == .opening {
            request(slot, on: connection)
        }
        connection.hasServed = true
    }

    private func notConnected(_ connection: LoadConnection, _ error: HTTPClientError) {
        connection.isClosed = true
        for slot in connection.waiting where streams[slot].connection == connection.number {
            ended(slot, LoadCause(error)) { "\(error)" }
        }
        connection.waiting = []
        closed(connection)
    }

    /// All its streams have had their ends.
    private func closed(_ connection: LoadConnection) {
        connection.isClosed = true
        connection.link = nil
        guard connections[Int(connection.number)] === connection else { return }
        connections[Int(connection.number)] = nil
        freeNumbers.append(connection.number)
    }
}
