// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The IMF-fixdate of RFC 9110, section 5.6.7.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// For example `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(unixSeconds: Int64) -> String {
        var seconds = time_t(unixSeconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let day = self.days[Int(parts.tm_wday)]
        let month = self.months[Int(parts.tm_mon)]
        return "\(day), \(self.two(parts.tm_mday)) \(month) \(parts.tm_year + 1900) "
            + "\(self.two(parts.tm_hour)):\(self.two(parts.tm_min)):\(self.two(parts.tm_sec)) GMT"
    }

    private static func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
