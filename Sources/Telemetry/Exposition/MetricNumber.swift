// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Numbers as both exposition formats and all their parsers read them.
enum MetricNumber {
    /// Appends a number: whole ones without a point, others with the shortest digits that give the same value back.
    static func append(_ number: Double, to bytes: inout [UInt8]) {
        if number.isNaN {
            bytes.append(contentsOf: "NaN".utf8)
        } else if number.isInfinite {
            bytes.append(contentsOf: number < 0 ? "-Inf".utf8 : "+Inf".utf8)
        } else if number.magnitude < 1e15, let whole = Int64(exactly: number) {
            append(whole, to: &bytes)
        } else {
            bytes.append(contentsOf: number.description.utf8)
        }
    }

    static func append(_ number: Int64, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        append(number.magnitude, to: &bytes)
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        if number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
            return
        }
        // The largest number of 64 bits has 20 digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = digits.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Appends sixteen hexadecimal digits.
    static func appendHex(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 0xF
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// Appends a time in seconds with three decimals, as Prometheus stores it.
    static func append(seconds nanoseconds: UInt64, to bytes: inout [UInt8]) {
        let milliseconds = nanoseconds / 1_000_000
        append(milliseconds / 1000, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: milliseconds / divisor % 10))
        }
    }

    /// A bound in OpenMetrics' canonical form ("Canonical Numbers"): always with a point or an exponent, the exponent
    /// from a million on and below a ten-thousandth, with two digits at least.
    static func canonical(_ bound: Double) -> String {
        if bound.isNaN { return "NaN" }
        if bound.isInfinite { return bound < 0 ? "-Inf" : "+Inf" }
        let text = bound.description
        guard bound.magnitude >= 1e6 else { return text }
        let parts = text.split(separator: "e")
        let number = parts[0].split(separator: ".")
        var digits = number.joined()
        let sign = digits.hasPrefix("-") ? "-" : ""
        digits.removeFirst(sign.count)
        let exponent = number[0].count - sign.count - 1 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.count > 1 && digits.hasSuffix("0") { digits.removeLast() }
        let mantissa = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : digits
        return "\(sign)\(mantissa)e+\(exponent < 10 ? "0" : "")\(exponent)"
    }
}
