// SPDX-License-Identifier: MIT
//
// The networks that commands know by name.

import ConvNet
import ConvNetOptions

enum Networks {
    static let option = Option("network", "NAME", "The network: simple (the default).")

    /// The network that `--network` names.
    ///
    /// - Throws: ``UsageError`` when there is none of that name.
    static func make(
        _ options: Options, seed: UInt64, initialization: Initialization, kernels: any Kernels
    ) throws -> any Classifier {
        switch options.string("network") ?? "simple" {
        case "simple":
            return try SimpleConvNet(seed: seed, initialization: initialization, kernels: kernels)
        case let name: throw UsageError("--network is \(name), expected simple")
        }
    }
}
