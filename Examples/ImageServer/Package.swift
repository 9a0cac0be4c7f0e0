// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// Answers which class a photograph shows, over HTTP: `swift run -c release ImageServer NETWORK`.
// The HTTP is GNU libmicrohttpd's, a system library of this example alone (libmicrohttpd-dev).
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
let library: [Target.Dependency] = [
    .product(name: "ConvNet", package: "swift-convnet"),
    .product(name: "ConvNetImages", package: "swift-convnet"),
]

let package = Package(
    name: "ImageServer",
    platforms: [.macOS(.v15)],
    dependencies: [convnet],
    targets: [
        .systemLibrary(
            name: "CMicrohttpd", pkgConfig: "libmicrohttpd",
            providers: [
                .apt(["libmicrohttpd-dev"]), .yum(["libmicrohttpd-devel"]),
                .brew(["libmicrohttpd"]),
            ]),
        .executableTarget(name: "ImageServer", dependencies: ["CMicrohttpd"] + library),
        .executableTarget(name: "MakeNetwork", dependencies: library),
    ],
    swiftLanguageModes: [.v6]
)
