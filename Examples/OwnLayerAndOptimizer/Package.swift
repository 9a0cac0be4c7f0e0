// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// A layer, a loss, an optimizer and a training loop of your own: `swift run OwnLayerAndOptimizer`.
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
    name: "OwnLayerAndOptimizer",
    dependencies: [convnet],
    targets: [
        .executableTarget(
            name: "OwnLayerAndOptimizer",
            dependencies: [
                .product(name: "ConvNet", package: "swift-convnet"),
                .product(name: "ConvNetData", package: "swift-convnet"),
                .product(name: "ConvNetReference", package: "swift-convnet"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
