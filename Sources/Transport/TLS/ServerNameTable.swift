// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Finds the certificates for a server name: exact names first, then a wildcard for the left-most label.
///
/// RFC 9525 section 6.3: `*` stands for exactly one label, the left-most, and only as the whole of it. Names compare
/// without regard to ASCII case; a final dot is ignored. Common names are not looked at, as in every browser.
struct ServerNameTable {
    private var exact: [String: [Int]] = [:]
    /// By what follows the `*`, with its dot: `*.example.com` is under `.example.com`.
    private var wildcards: [String: [Int]] = [:]

    /// - Parameter names: For each certificate, in order, the DNS names that it holds.
    init(names: [[String]]) {
        for (index, names) in names.enumerated() {
            for name in Set(names.map(Self.normalized)) {
                if name.hasPrefix("*.") {
                    wildcards[String(name.dropFirst()), default: []].append(index)
                } else {
                    exact[name, default: []].append(index)
                }
            }
        }
    }

    /// The indexes of the certificates that hold `name`, in order; none if none does.
    func certificates(for name: String) -> [Int] {
        let name = Self.normalized(name)
        if let found = exact[name] { return found }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return [] }
        return wildcards[String(name[dot...])] ?? []
    }

    private static func normalized(_ name: String) -> String {
        let lowered = name.lowercased()
        return lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
    }
}
