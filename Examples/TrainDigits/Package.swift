// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// Trains a network on handwritten digits and saves it: `swift run TrainDigits digits.safetensors`.
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
    name: "TrainDigits",
    dependencies: [convnet],
    targets: [
        .executableTarget(
            name: "TrainDigits",
            dependencies: [
                .product(name: "ConvNet", package: "swift-convnet"),
                .product(name: "ConvNetData", package: "swift-convnet"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
