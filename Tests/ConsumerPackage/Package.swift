// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// A package as a user of this one would write it: it depends on a version, and asks for ConvNet
// alone. Tests/consumers.sh names the repository; a user would write its address here.

import PackageDescription

let package = Package(
    name: "consumer",
    dependencies: [
        .package(url: Context.environment["SWIFT_CONVNET_URL"] ?? "", from: "0.2.0")
    ],
    targets: [
        .executableTarget(
            name: "Consumer", dependencies: [.product(name: "ConvNet", package: "swift-convnet")])
    ],
    swiftLanguageModes: [.v6]
)
