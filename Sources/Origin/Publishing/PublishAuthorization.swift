// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Who may publish where: bearer tokens (RFC 6750), each with the channels it is for.

import Synchronization

/// A token and the channel patterns it is good for.
public struct PublishToken: Sendable, Equatable {
    let secret: [UInt8]
    let patterns: [String]

    public struct Invalid: Error, Equatable, CustomStringConvertible {
        /// Says what is wrong without showing the token.
        public let description: String
    }

    /// RFC 6750, section 2.1.
    private static let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=".utf8)
    static let minimumLength = 8

    /// - Parameter patterns: channel names in which `*` stands for any characters.
    public init(secret: String, patterns: [String]) throws(Invalid) {
        guard secret.utf8.count >= Self.minimumLength, secret.utf8.allSatisfy(Self.alphabet.contains) else {
            throw Invalid(
                description: "a token needs at least \(Self.minimumLength) of the characters A-Z a-z 0-9 - . _ ~ + / ="
            )
        }
        guard !patterns.isEmpty, patterns.allSatisfy({ ChannelName($0.replacing("*", with: "x")) != nil }) else {
            throw Invalid(description: "a token needs channel patterns such as news or llm-* or *")
        }
        self.secret = Array(secret.utf8)
        self.patterns = patterns
    }

    /// Reads lines of `TOKEN PATTERN[,PATTERN…]`; blank lines and lines that start with `#` are skipped.
    public static func parse(file text: String) throws(Invalid) -> [PublishToken] {
        var tokens: [PublishToken] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let secret = words.first, !secret.hasPrefix("#") else { continue }
            do throws(Invalid) {
                let patterns = words.dropFirst().joined(separator: ",").split(separator: ",").map(String.init)
                tokens.append(try PublishToken(secret: String(secret), patterns: patterns))
            } catch {
                throw Invalid(description: "line \(index + 1): \(error.description)")
            }
        }
        return tokens
    }

    /// Reads `TOKEN=PATTERN[,PATTERN…];…`, the form for an environment variable.
    public static func parse(list text: String) throws(Invalid) -> [PublishToken] {
        var tokens: [PublishToken] = []
        for entry in text.split(separator: ";") where !entry.allSatisfy(\.isWhitespace) {
            // The last "=" divides: a token may end in "=" padding.
            let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
            let patterns = (parts.last ?? "").split(separator: ",").map { $0.filter { !$0.isWhitespace } }
            let secret = parts.dropLast().joined(separator: "=").filter { !$0.isWhitespace }
            tokens.append(try PublishToken(secret: secret, patterns: patterns))
        }
        return tokens
    }

    func allows(_ channel: ChannelName) -> Bool {
        self.patterns.contains { Self.matches(Array($0.utf8)[...], Array(channel.text.utf8)[...]) }
    }

    /// Greedy matching with one point to return to: linear for one `*`, and bounded by the product of the lengths.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var name = name
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while !name.isEmpty {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let expected = pattern.first, expected == name.first {
                pattern = pattern.dropFirst()
                name = name.dropFirst()
            } else if let last = retry {
                pattern = last.pattern
                name = last.name.dropFirst()
                retry = (pattern, name)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// Decides whether a request may publish.
struct PublishAuthorization: Sendable {
    let tokens: [PublishToken]

    enum Verdict: Equatable {
        case allowed
        /// 401, with what to do.
        case unauthenticated(String)
        /// 403, with what to do.
        case forbidden(String)
    }

    /// - Parameters:
    ///   - authorization: the `Authorization` field's value.
    ///   - isAdminLoopback: the request came to the admin listener, from this machine.
    func judge(authorization: String?, channel: ChannelName, isAdminLoopback: Bool) -> Verdict {
        if self.tokens.isEmpty {
            return isAdminLoopback
                ? .allowed
                : .forbidden(
                    "Publishing here needs tokens, and none is configured: set publish-token-file or "
                        + "HEADWATER_PUBLISH_TOKENS, or publish from this machine to the admin listener."
                )
        }
        guard let authorization else {
            return .unauthenticated("Send \"Authorization: Bearer TOKEN\" with a token that may publish here.")
        }
        let words = authorization.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            return .unauthenticated("The Authorization field must be \"Bearer TOKEN\".")
        }
        // Every token is compared in full, so that the time says nothing of where, or with which, it differs.
        let presented = Array(words[1].utf8)
        // A token may be named more than once, with other patterns.
        let found = self.tokens.filter { Self.isEqual($0.secret, presented) }
        guard !found.isEmpty else { return .unauthenticated("This token is not known here.") }
        return found.contains { $0.allows(channel) }
            ? .allowed : .forbidden("This token may not publish to channel \"\(channel.text)\"; use one that may.")
    }

    /// Takes time that depends on the presented token's length alone.
    private static func isEqual(_ secret: [UInt8], _ presented: [UInt8]) -> Bool {
        var difference = secret.count ^ presented.count
        for index in presented.indices {
            difference |= Int(presented[index] ^ secret[index % max(1, secret.count)])
        }
        return difference == 0
    }
}
