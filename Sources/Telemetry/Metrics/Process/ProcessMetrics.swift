// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The standard process metrics (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics).
///
/// Everything is read at the scrape, which takes some 30 µs. What a system does not tell is left out, so on systems
/// without `/proc` only the processor time and the limit of descriptors remain.
public struct ProcessMetrics: Sendable {
    static let processorSeconds = MetricFamily.counter(
        "process_cpu_seconds_total",
        help: "Processor time that the process has used, in user and system mode.",
        unit: "seconds"
    )
    static let residentMemory = MetricFamily.gauge(
        "process_resident_memory_bytes",
        help: "Memory of the process that is in RAM.",
        unit: "bytes"
    )
    static let virtualMemory = MetricFamily.gauge(
        "process_virtual_memory_bytes",
        help: "Address space that the process has mapped.",
        unit: "bytes"
    )
    static let openDescriptors = MetricFamily.gauge(
        "process_open_fds",
        help: "File descriptors that are open: every connection is one."
    )
    static let maximumDescriptors = MetricFamily.gauge(
        "process_max_fds",
        help: "File descriptors that may be open: the soft limit."
    )
    static let startTime = MetricFamily.gauge(
        "process_start_time_seconds",
        help: "Unix time at which the process started.",
        unit: "seconds"
    )
    static let threads = MetricFamily.gauge("process_threads", help: "Threads of the process.")

    public static let families = [
        processorSeconds, residentMemory, virtualMemory, openDescriptors, maximumDescriptors, startTime, threads,
    ]

    /// Read once: the kernel's idea of when it booted moves with the clock, but the process started once.
    private let started: Double?
    private let pageSize: UInt64

    public init() {
        pageSize = UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let status = Self.status(), let text = Self.read("/proc/stat"), ticksPerSecond > 0,
            let boot = ProcessStatus.bootTime(stat: text)
        {
            started = Double(boot) + Double(status.startTicks) / ticksPerSecond
        } else {
            started = nil
        }
    }

    /// Adds the process metrics to a registry.
    public static func register(in registry: MetricRegistry) throws(MetricProblem) {
        let metrics = ProcessMetrics()
        try registry.register(families) { metrics.samples() }
    }

    public func samples() -> [MetricFamilySamples] {
        var all: [MetricFamilySamples] = []
        if let seconds = Self.processorTime() {
            all.append(MetricFamilySamples(Self.processorSeconds, .floating(seconds)))
        }
        if let status = Self.status() {
            all.append(MetricFamilySamples(Self.residentMemory, .unsigned(status.residentPages &* pageSize)))
            all.append(MetricFamilySamples(Self.virtualMemory, .unsigned(status.virtualBytes)))
            all.append(MetricFamilySamples(Self.threads, .signed(status.threads)))
        }
        if let count = Self.openDescriptorCount() {
            all.append(MetricFamilySamples(Self.openDescriptors, .signed(count)))
        }
        if let limit = Self.descriptorLimit() {
            all.append(MetricFamilySamples(Self.maximumDescriptors, .floating(limit)))
        }
        if let started { all.append(MetricFamilySamples(Self.startTime, .floating(started))) }
        return all
    }

    // MARK: - Reading

    private static func status() -> ProcessStatus? {
        read("/proc/self/stat").flatMap(ProcessStatus.init(stat:))
    }

    /// To the nanosecond, where `/proc` has hundredths of a second.
    private static func processorTime() -> Double? {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Since Linux 6.2 the size of the directory is the number of its entries: 5 µs with 20,000 descriptors. Before,
    /// it is zero and the entries must be listed, which takes some 15 ms for as many.
    static func openDescriptorCount() -> Int64? {
        var directory = stat()
        guard stat("/proc/self/fd", &directory) == 0 else { return nil }
        return directory.st_size > 0 ? Int64(directory.st_size) : listedDescriptorCount()
    }

    static func listedDescriptorCount() -> Int64? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        // Without "." and "..", and without the descriptor that lists them.
        var count: Int64 = -3
        while readdir(directory) != nil { count += 1 }
        return max(0, count)
    }

    private static func descriptorLimit() -> Double? {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return nil }
        // "Unlimited" is the largest number that the type holds, or half of it.
        return limit.rlim_cur >= UInt64(Int64.max) ? .infinity : Double(limit.rlim_cur)
    }

    /// A file of `/proc`, which has no size and is read until it ends; within a bound that none of ours reaches.
    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        let chunk = 16 * 1024
        while bytes.count < 1 << 20 {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: chunk))
            let count = bytes.withUnsafeMutableBytes { buffer in
                // `Darwin.read` and `Glibc.read` hide behind this function's name.
                pread(descriptor, buffer.baseAddress?.advanced(by: start), chunk, off_t(start))
            }
            guard count >= 0 else { return nil }
            bytes.removeLast(chunk - count)
            if count == 0 { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MetricFamilySamples {
    /// What is running, as a gauge that is always 1: the facts are its labels, to be joined to other series.
    ///
    /// - Parameters:
    ///   - name: Ends in `_build_info`, such as `headwater_build_info`.
    ///   - labels: Such as the version and the compiler; few, and the same for the life of the process.
    public static func buildInfo(_ name: String, help: String, labels: KeyValuePairs<String, String>) -> Self {
        let family = MetricFamily.gauge(name, help: help, labels: labels.map(\.key))
        return MetricFamilySamples(family, [(labelValues: labels.map(\.value), value: .unsigned(1))])
    }
}
