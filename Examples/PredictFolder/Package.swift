// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// Says which digit each PNG file of a folder shows: `swift run PredictFolder NETWORK FOLDER`.
//
// In a package of your own the dependency is one line:
//
//     .package(url: "https://HOST/swift-convnet.git", from: "0.2.0")
//
// Here the address of a tagged clone comes from the environment, as in continuous integration;
// without it this checkout is taken.

import PackageDescription

let convnet: Package.Dependency =
    if let address = Context.environment["SWIFT_CONVNET_URL"] {
        .package(url: address, from: "0.2.0")
    } else {
        .package(name: "swift-convnet", path: "../..")
    }

let package = Package(
    name: "PredictFolder",
    dependencies: [convnet],
    targets: [
        .executableTarget(
            name: "PredictFolder",
            dependencies: [
                .product(name: "ConvNet", package: "swift-convnet"),
                .product(name: "ConvNetImages", package: "swift-convnet"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
