// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A package of its own, so that the sanitizers and libFuzzer never touch a build of the product. Build it by
// Fuzzing/run, which knows the flags.

import PackageDescription

let package = Package(
    name: "headwater-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "headwater", path: ".."),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    ],
    targets: [
        // One executable for all targets: they share their build and their link.
        .executableTarget(
            name: "FuzzTargets",
            dependencies: [
                .product(name: "HeadwaterModules", package: "headwater"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            // libFuzzer brings `main`.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]
        )
    ]
)
