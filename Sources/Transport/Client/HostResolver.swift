// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// From a host's name to its addresses, by the system's resolver with all it is configured for.
enum HostResolver {
    /// More are not tried: a name with many addresses is balanced, and those beyond will do no better.
    private static let maximumAddresses = 8

    /// Asks on a thread of NIO's pool, since `getaddrinfo` blocks. After the timeout it goes on there, unheard.
    static func resolve(
        _ host: String,
        port: Int,
        timeout: TimeAmount,
        on eventLoop: any EventLoop
    ) async throws(HTTPClientError) -> [SocketAddress] {
        typealias Answer = Result<[SocketAddress], HTTPClientError>
        let promise = eventLoop.makePromise(of: Answer.self)
        let late = eventLoop.scheduleTask(in: timeout) {
            promise.succeed(.failure(.timedOut(.resolve, seconds: timeout.seconds)))
        }
        NIOThreadPool.singleton.submit { state in
            guard case .active = state else {
                return promise.succeed(.failure(.nameNotResolved(host: host, reason: "the process is ending")))
            }
            promise.succeed(lookUp(host, port: port))
        }
        let answer: Answer
        do {
            answer = try await promise.futureResult.get()
        } catch {
            throw .nameNotResolved(host: host, reason: "\(error)")
        }
        late.cancel()
        return try answer.get()
    }

    private static func lookUp(_ host: String, port: Int) -> Result<[SocketAddress], HTTPClientError> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            return .failure(.nameNotResolved(host: host, reason: reason))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next, addresses.count < maximumAddresses {
            next = entry.pointee.ai_next
            guard let address = socketAddress(of: entry.pointee, host: host), !addresses.contains(address) else {
                continue
            }
            addresses.append(address)
        }
        guard !addresses.isEmpty else { return .failure(.nameNotResolved(host: host, reason: "it has no address")) }
        return .success(addresses)
    }

    private static func socketAddress(of entry: addrinfo, host: String) -> SocketAddress? {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch (entry.ai_family, Int(entry.ai_addrlen)) {
        case (AF_INET, MemoryLayout<sockaddr_in>.size...):
            return SocketAddress(raw.loadUnaligned(as: sockaddr_in.self), host: host)
        case (AF_INET6, MemoryLayout<sockaddr_in6>.size...):
            return SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self), host: host)
        default:
            return nil
        }
    }
}

extension TimeAmount {
    var seconds: Double { Double(nanoseconds) / 1e9 }
}
