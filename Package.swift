// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
//
// swift-convnet: convolutional networks for Swift on Linux. Data flows down the list of targets;
// a target imports only what stands above it.

import Foundation
import PackageDescription

// LLVM's OpenMP runtime gives the kernels their threads. Each distribution has its own name and
// place for it, so it is looked for, unless CONVNET_OPENMP in the environment says what to take: a
// library's name for the linker (omp5), its file (/opt/llvm/lib/libomp.so), or "none", which
// CONVNET_SERIAL=1 says too. SwiftPM remembers what was found, by this file's text and the
// environment: after a library was installed or removed, `swift package purge-cache` makes it look
// again.
enum OpenMP {
    case named(String)
    /// Outside the folders that the linker and the loader look in.
    case file(String)
    case none

    static let requested = Context.environment["CONVNET_OPENMP"] ?? ""
    static let isRefused = requested == "none" || Context.environment["CONVNET_SERIAL"] == "1"
    static let library = isRefused ? .none : requested.isEmpty ? found : of(requested)

    private static func of(_ request: String) -> OpenMP {
        request.contains("/") ? .file(request) : .named(request)
    }

    private static var found: OpenMP {
        #if arch(arm64)
            let debianFolder = "/usr/lib/aarch64-linux-gnu"
        #else
            let debianFolder = "/usr/lib/x86_64-linux-gnu"
        #endif
        // Debian and Ubuntu name it omp5; Fedora, RHEL and Amazon Linux omp.
        for folder in [debianFolder, "/usr/lib64"] {
            for name in ["omp5", "omp"] where exists("\(folder)/lib\(name).so") {
                return .named(name)
            }
        }
        // Debian's packages of several versions, Fedora's of older ones; what was built by hand;
        // the runtime without its development package, as no header is needed; Homebrew.
        let others =
            versions(in: "/usr/lib", "llvm-", "/lib") + versions(in: "/usr/lib64", "llvm", "/lib")
            + ["/usr/local/lib", "/usr/local/lib64", debianFolder, "/usr/lib64"]
        let files =
            others.flatMap { ["\($0)/libomp.so", "\($0)/libomp.so.5"] }
            + ["/opt/homebrew", "/usr/local"].map { "\($0)/opt/libomp/lib/libomp.dylib" }
        return files.first(where: exists).map(OpenMP.file) ?? .none
    }

    /// The folders `parent/prefixNUMBERsuffix` that there are, the highest number first.
    private static func versions(in parent: String, _ prefix: String, _ suffix: String) -> [String]
    {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        return names.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count)) }
            .sorted(by: >).map { "\(parent)/\(prefix)\($0)\(suffix)" }
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// Xcode's clang refuses the driver's option, and takes the compiler's.
    static var compilerFlags: [String] {
        if case .none = library { return ["-Wno-unused-variable", "-Wno-unused-parameter"] }
        #if os(macOS)
            return ["-Xclang", "-fopenmp"]
        #else
            return ["-fopenmp"]
        #endif
    }

    static var linkerSettings: [LinkerSetting] {
        switch library {
        case .named(let name): return [.linkedLibrary(name)]
        case .file(let path):
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
            return [.unsafeFlags(["-Xlinker", path, "-Xlinker", "-rpath", "-Xlinker", folder])]
        case .none: return []
        }
    }
}

// SwiftPM shows what a manifest prints as a warning, that of a dependency too.
if case .file(let path) = OpenMP.library, !FileManager.default.fileExists(atPath: path) {
    print("CONVNET_OPENMP is \(path), expected a library's file, a library's name or none")
    exit(1)
} else if case .none = OpenMP.library, !OpenMP.isRefused {
    print(
        """
        no OpenMP library was found: the kernels are built for one thread. Install libomp-dev \
        (Debian, Ubuntu), libomp-devel (Fedora, RHEL, Amazon Linux) or libomp (Homebrew), then run \
        "swift package purge-cache". CONVNET_OPENMP=PATH names a library that is elsewhere, \
        CONVNET_OPENMP=none builds so without this warning.
        """)
}

// The kernels are compiled with optimisation in every configuration, so that a debug build of a
// network is usable and `swift run Benchmarks` measures what a release build would run.
// From tools-version 6.2 on, a dependency named by version may carry these flags.
let kernelCSettings: [CSetting] = [
    .headerSearchPath("."),
    .unsafeFlags(
        ["-O3", "-Wall", "-Wextra", "-Werror=vla", "-fno-math-errno"] + OpenMP.compilerFlags),
]

// The Swift code on the way to the kernels, and the reference they are compared with, are
// optimised in debug too: a comparison with unoptimised Swift would flatter the kernels.
let optimizedSwiftSettings: [SwiftSetting] = [
    .unsafeFlags(["-O"], .when(configuration: .debug))
]

let package = Package(
    name: "swift-convnet",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "ConvNet", targets: ["ConvNet"]),
        .library(name: "ConvNetData", targets: ["ConvNetData"]),
        .library(name: "ConvNetImages", targets: ["ConvNetImages"]),
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
            // C's mathematics: Swift programs link it by themselves, and C programs don't.
            linkerSettings: OpenMP.linkerSettings + [.linkedLibrary("m")]),
        // For programs and tests, which need not name it: an empty OMP_NUM_THREADS is none.
        .target(name: "CBlankVariables", path: "CSources/CBlankVariables"),
        .systemLibrary(
            name: "CZlib", path: "CSources/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .yum(["zlib-devel"])]),
        .systemLibrary(
            name: "CCairo", path: "CSources/CCairo", pkgConfig: "cairo",
            providers: [.apt(["libcairo2-dev"]), .yum(["cairo-devel"]), .brew(["cairo"])]),
        .systemLibrary(
            name: "CPNG", path: "CSources/CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .yum(["libpng-devel"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CTurboJPEG", path: "CSources/CTurboJPEG", pkgConfig: "libturbojpeg",
            providers: [
                .apt(["libturbojpeg0-dev"]), .yum(["turbojpeg-devel"]), .brew(["jpeg-turbo"]),
            ]),
        .systemLibrary(
            name: "CMPI", path: "CSources/CMPI", pkgConfig: "mpi-c",
            providers: [.apt(["libopenmpi-dev"]), .yum(["openmpi-devel"]), .brew(["open-mpi"])]),
        // Without the trait it has stubs and needs no MPI, so that what stands on it always builds.
        .target(
            name: "CConvMPI",
            dependencies: [.target(name: "CMPI", condition: .when(traits: ["MPI"]))],
            path: "CSources/CConvMPI",
            cSettings: [.define("CONVNET_MPI", .when(traits: ["MPI"]))]),

        // Library
        .target(name: "ConvNetSupport", swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetTensor", dependencies: ["ConvNetSupport"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetKernels", dependencies: ["ConvNetTensor", "CConvKernels"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetReference", dependencies: ["ConvNetTensor"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNet", dependencies: ["ConvNetSupport", "ConvNetTensor", "ConvNetKernels"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetData", dependencies: ["ConvNetSupport", "ConvNetTensor", "CZlib"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetImages",
            dependencies: ["ConvNetSupport", "ConvNetTensor", "CTurboJPEG", "CPNG", "CZlib"],
            swiftSettings: optimizedSwiftSettings),
        .target(
            name: "ConvNetPlots",
            dependencies: ["ConvNetSupport", "ConvNetTensor", "CCairo"],
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
                "ConvNetSupport", "ConvNet", "ConvNetData", "ConvNetImages", "ConvNetPlots",
                "ConvNetReference", "ConvNetOptions",
            ]),
        .executableTarget(name: "ConvNetCLI", dependencies: ["ConvNetCommands"]),
        .executableTarget(
            name: "ConvNetMPI",
            dependencies: ["ConvNetCommands", "ConvNetDistributed", "ConvNetOptions"]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "ConvNet", "ConvNetData", "ConvNetKernels", "ConvNetReference", "ConvNetPlots",
                "ConvNetOptions",
            ],
            path: "Benchmarks",
            exclude: [
                "RESULTS.md", "GUARD.md", "perf-check.sh", "results.sh", "Peers", "Records",
            ],
            swiftSettings: optimizedSwiftSettings),
        .executableTarget(
            name: "Records", dependencies: ["ConvNet", "ConvNetData", "ConvNetOptions"],
            path: "Benchmarks/Records", swiftSettings: optimizedSwiftSettings),

        // Tests
        .target(
            name: "ConvNetTestSupport",
            dependencies: [
                "ConvNetTensor", "ConvNetKernels", "ConvNetReference", "CBlankVariables",
            ],
            // Every test compares element by element with it.
            path: "Tests/ConvNetTestSupport", swiftSettings: optimizedSwiftSettings),
        .testTarget(
            name: "ConvNetTensorTests", dependencies: ["ConvNetTensor", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetReferenceTests",
            dependencies: ["ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetKernelsTests",
            dependencies: ["ConvNetKernels", "ConvNetReference", "ConvNetTestSupport"],
            swiftSettings: optimizedSwiftSettings),
        .testTarget(
            name: "ConvNetTests",
            dependencies: ["ConvNet", "ConvNetData", "ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetDataTests",
            dependencies: ["ConvNetData", "ConvNetTestSupport", "CZlib"]),
        .testTarget(
            name: "ConvNetImagesTests",
            dependencies: ["ConvNetImages", "ConvNetTestSupport", "CZlib"]),
        .testTarget(
            name: "ConvNetPlotsTests",
            dependencies: ["ConvNetPlots", "ConvNetImages", "ConvNetTestSupport"]),
        .testTarget(
            name: "ConvNetCLITests",
            dependencies: [
                "ConvNetSupport", "ConvNetCLI", "ConvNetCommands", "ConvNetOptions", "ConvNet",
                "ConvNetData", "ConvNetImages", "ConvNetPlots", "ConvNetTestSupport", "DrawnCalls",
            ]),
        .testTarget(
            name: "ConvNetMPITests",
            dependencies: ["ConvNetMPI", "ConvNetDistributed", "ConvNet", "ConvNetTestSupport"]),
        .executableTarget(
            name: "Soak", dependencies: ["ConvNet", "ConvNetData", "CBlankVariables"],
            path: "Tests/Soak"),
        .executableTarget(
            name: "DrawnCalls",
            dependencies: [
                "ConvNet", "ConvNetData", "ConvNetImages", "ConvNetPlots", "ConvNetReference",
                "CBlankVariables",
            ],
            path: "Tests/DrawnCalls"),
        .testTarget(
            name: "BenchmarksTests",
            dependencies: ["Benchmarks", "ConvNetReference", "ConvNetTestSupport"]),
        .testTarget(
            name: "RecordsTests",
            dependencies: ["Records", "ConvNet", "ConvNetData", "ConvNetTestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
