// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// swift-convnet: convolutional networks for Swift on Linux. Data flows down the list of targets;
// a target imports only what stands above it.

import PackageDescription

// The kernels are compiled with optimisation in every configuration, so that a debug build of a
// network is usable and `swift run Benchmarks` measures what a release build would run.
// From tools-version 6.2 on, a dependency named by version may carry these flags.
//
// Where there is no OpenMP, CONVNET_SERIAL=1 in the environment builds kernels of one thread.
let isSerial = Context.environment["CONVNET_SERIAL"] == "1"
let kernelCSettings: [CSetting] = [
    .unsafeFlags(
        ["-O3", "-Wall", "-Wextra", "-Werror=vla", "-fno-math-errno"]
            + (isSerial ? ["-Wno-unused-variable", "-Wno-unused-parameter"] : ["-fopenmp"]))
]

// The Swift code on the way to the kernels, and the reference they are compared with, are
// optimised in debug too: a comparison with unoptimised Swift would flatter the kernels.
let optimizedSwiftSettings: [SwiftSetting] = [
    .unsafeFlags(["-O"], .when(configuration: .debug))
]

let package = Package(
    name: "swift-convnet",
    products: [
        .library(name: "ConvNet", targets: ["ConvNet"]),
        .library(name: "ConvNetData", targets: ["ConvNetData"]),
        .library(name: "ConvNetPlots", targets: ["ConvNetPlots"]),
        .library(name: "ConvNetKernels", targets: ["ConvNetKernels"]),
        .library(name: "ConvNetReference", targets: ["ConvNetReference"]),
        .library(name: "CConvKernels", targets: ["CConvKernels"]),
        .library(name: "ConvNetDistributed", targets: ["ConvNetDistributed"]),
        .executable(name: "convnet", targets: ["ConvNetCLI"]),
        .executable(name: "convnet-mpi", targets: ["ConvNetMPI"]),
        .executable(name: "Benchmarks", targets: ["Benchmarks"]),
    ],
    traits: [
        .trait(
            name: "MPI",
            description:
                "Training on several machines: ConvNetDistributed and convnet-mpi call MPI.")
    ],
    targets: [
        // C
        .target(
            name: "CConvKernels", path: "CSources/CConvKernels", exclude: ["README.md"],
            cSettings: kernelCSettings,
            // Debian's name for LLVM's OpenMP runtime (package libomp-dev); C's mathematics, which
            // Swift programs link by themselves and C programs don't.
            linkerSettings: (isSerial ? [] : [.linkedLibrary("omp5")]) + [.linkedLibrary("m")]),
        // For programs and tests, which need not name it: an empty OMP_NUM_THREADS is none.
        .target(name: "CBlankVariables", path: "CSources/CBlankVariables"),
        .systemLibrary(
            name: "CZlib", path: "CSources/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CCairo", path: "CSources/CCairo", pkgConfig: "cairo",
            providers: [.apt(["libcairo2-dev"])]),
        .systemLibrary(
            name: "CPNG", path: "CSources/CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"])]),
        .systemLibrary(
            name: "CMPI", path: "CSources/CMPI", pkgConfig: "mpi-c",
            providers: [.apt(["libopenmpi-dev"])]),
        // Without the trait it has stubs and needs no MPI, so that what stands on it always builds.
        .target(
            name: "CConvMPI",
            dependencies: [.target(name: "CMPI", condition: .when(traits: ["MPI"]))],
            path: "CSources/CConvMPI",
            cSettings: [.define("CONVNET_MPI", .when(traits: ["MPI"]))]),

        // Library
        .target(name: "ConvNetTensor", swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetKernels", dependencies: ["ConvNetTensor", "CConvKernels"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetReference", dependencies: ["ConvNetTensor"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNet", dependencies: ["ConvNetTensor", "ConvNetKernels"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetData", dependencies: ["ConvNetTensor", "CZlib"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetPlots", dependencies: ["ConvNetTensor", "CCairo", "CPNG", "CZlib"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetDistributed", dependencies: ["ConvNet", "CConvMPI"],
            swiftSettings: optimizedSwiftSettings),

        // Executables, and what they share
        .target(
            name: "ConvNetOptions", dependencies: ["ConvNet", "ConvNetKernels", "CBlankVariables"]),
        .target(
            name: "ConvNetCommands",
            dependencies: [
                "ConvNet", "ConvNetData", "ConvNetPlots", "ConvNetReference", "ConvNetOptions",
            ]),
        .executableTarget(name: "ConvNetCLI", dependencies: ["ConvNetCommands"]),
        .executableTarget(
            name: "ConvNetMPI",
            dependencies: ["ConvNetCommands", "ConvNetDistributed", "ConvNetOptions"]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "ConvNet", "ConvNetKernels", "ConvNetReference", "ConvNetPlots", "ConvNetOptions",
            ],
            path: "Benchmarks", exclude: ["RESULTS.md", "GUARD.md", "perf-check.sh"],
            swiftSettings: optimizedSwiftSettings),

        // Tests
        .target(
            name: "ConvNetTestSupport",
            dependencies: [
                "ConvNetTensor", "ConvNetKernels", "ConvNetReference", "CBlankVariables",
            ],
            path: "Tests/ConvNetTestSupport"),
        .testTarget(
            name: "ConvNetTensorTests", dependencies: ["ConvNetTensor", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetReferenceTests",
            dependencies: ["ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetKernelsTests",
            dependencies: ["ConvNetKernels", "ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetTests",
            dependencies: ["ConvNet", "ConvNetData", "ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetDataTests",
            dependencies: ["ConvNetData", "ConvNetTestSupport", "CZlib"]),
        .testTarget(
            name: "ConvNetPlotsTests",
            dependencies: ["ConvNetPlots", "ConvNetTestSupport", "CZlib"]),
        .testTarget(
            name: "ConvNetCLITests",
            dependencies: [
                "ConvNetCLI", "ConvNetCommands", "ConvNet", "ConvNetData", "ConvNetPlots",
                "ConvNetTestSupport", "DrawnCalls",
            ]),
        .testTarget(
            name: "ConvNetMPITests", dependencies: ["ConvNetMPI", "ConvNetDistributed", "ConvNet"]),
        .executableTarget(
            name: "Soak", dependencies: ["ConvNet", "ConvNetData", "CBlankVariables"],
            path: "Tests/Soak"),
        .executableTarget(
            name: "DrawnCalls",
            dependencies: [
                "ConvNet", "ConvNetData", "ConvNetPlots", "ConvNetReference", "CBlankVariables",
            ],
            path: "Tests/DrawnCalls"),
        .testTarget(
            name: "BenchmarksTests",
            dependencies: ["Benchmarks", "ConvNetReference", "ConvNetTestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
