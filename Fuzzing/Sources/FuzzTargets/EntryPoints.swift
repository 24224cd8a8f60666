// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where libFuzzer enters. Its own `main` parses the options, mutates inputs and calls here.

import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The target of this process. An environment variable and not an argument, because libFuzzer passes only its own
/// arguments on to the processes it starts.
private let target: FuzzTarget = {
    let name = getenv("HEADWATER_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print("HEADWATER_FUZZ_TARGET is \"\(name)\"; set it to one of: \(names)")
        exit(64)
    }
    return target
}()

@_cdecl("LLVMFuzzerInitialize")
public func fuzzerInitialize(_ argumentCount: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> CInt {
    _ = target
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ bytes: UnsafeRawPointer?, _ count: Int) -> CInt {
    target.run(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
    return 0
}

/// What can be fuzzed. Each case is a file of this module and a folder of the corpus.
enum FuzzTarget: String, CaseIterable {
    case h2Session = "H2Session"
    case h2Bytes = "H2Bytes"
    case hpackInput = "HPACKInput"
    case tlsRecords = "TLSRecords"
    case proxyHeader = "ProxyHeader"
    case http1Request = "HTTP1Request"
    case eventStreamDecoder = "EventStreamDecoder"
    case publishBody = "PublishBody"

    func run(_ bytes: [UInt8]) {
        switch self {
        case .h2Session: H2Session.run(bytes)
        case .h2Bytes: H2Bytes.run(bytes)
        case .hpackInput: HPACKInput.run(bytes)
        case .tlsRecords: TLSRecords.run(bytes)
        case .proxyHeader: ProxyHeader.run(bytes)
        case .http1Request: HTTP1Request.run(bytes)
        case .eventStreamDecoder: EventStreamDecoding.run(bytes)
        case .publishBody: PublishBodyParsing.run(bytes)
        }
    }
}

/// Ends the process, which libFuzzer takes for a finding, unless `condition` holds.
@inline(__always)
func require(
    _ condition: @autoclosure () -> Bool,
    _ message: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) {
    if condition() { return }
    let text = Array("\(file):\(line): broken invariant: \(message())\n".utf8)
    _ = write(2, text, text.count)
    abort()
}
