// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A package of its own, so that the product does not depend on package-benchmark. Build it by Benchmarks/micro, which
// knows the flags.

import PackageDescription

let package = Package(
    name: "headwater-micro",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "headwater", path: "../.."),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        // Without its traits: what they count of allocations needs packages that replace malloc.
        .package(url: "https://github.com/ordo-one/benchmark.git", from: "1.38.1", traits: []),
    ],
    targets: [
        .target(
            name: "Workloads",
            dependencies: [
                .product(name: "HeadwaterModules", package: "headwater"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]
        ),
        .executableTarget(name: "instructions", dependencies: ["Workloads"]),
        .executableTarget(
            name: "MicroBenchmarks",
            dependencies: ["Workloads", .product(name: "Benchmark", package: "benchmark")],
            // Where package-benchmark looks for them. Its plugin would write six lines of `main` and be built for that
            // with every product of this package; they are in the sources instead.
            path: "Benchmarks/MicroBenchmarks"
        ),
    ]
)
