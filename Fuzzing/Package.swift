// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// libFuzzer targets for the formats that this package reads: a package of its own, so that nothing
// of it is built by dependents of the library. run.sh builds it with the sanitizers and runs it.

import PackageDescription

let package = Package(
    name: "swift-convnet-fuzzing",
    dependencies: [.package(name: "swift-convnet", path: "..")],
    targets: [.target(name: "Fuzzer")]
        + [
            "IDX", "NPY", "NPZ", "PNG", "JPEG", "PNM", "Safetensors", "Network", "Checkpoint",
            "History", "ONNX",
        ]
        .map {
            .executableTarget(
                name: "Fuzz\($0)",
                dependencies: [
                    "Fuzzer", .product(name: "ConvNet", package: "swift-convnet"),
                    .product(name: "ConvNetData", package: "swift-convnet"),
                    .product(name: "ConvNetImages", package: "swift-convnet"),
                ],
                // Its main function is libFuzzer's.
                swiftSettings: [.unsafeFlags(["-parse-as-library"])])
        },
    swiftLanguageModes: [.v6]
)
