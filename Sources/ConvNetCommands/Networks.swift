// SPDX-License-Identifier: MIT
//
// The networks that commands know by name.

import ConvNet
import ConvNetOptions

enum Networks {
    /// What `--network` may be.
    static let names = ["simple", "lenet", "lenet-1998", "alexnet"]

    static let option = Option(
        "network", "NAME", "\(names.joined(separator: ", ")); simple.", choices: names)

    /// The name that `--network` gives.
    ///
    /// - Throws: ``UsageError`` when there is no network of that name.
    static func name(_ options: Options) throws(UsageError) -> String {
        let name = options.string("network") ?? "simple"
        guard names.contains(name) else {
            throw UsageError(
                "--network is \(name), expected one of \(names.joined(separator: ", "))")
        }
        return name
    }

    /// The network that `--network` names.
    ///
    /// - Parameter initialization: how wide weights are spread; the network's own when nil.
    /// - Throws: ``UsageError`` when there is none of that name.
    static func make(
        _ options: Options, seed: UInt64, initialization: Initialization?, kernels: any Kernels
    ) throws -> any Classifier {
        switch try name(options) {
        case "lenet":
            return try LeNet(seed: seed, initialization: initialization, kernels: kernels)
        case "lenet-1998":
            return try LeNet(
                seed: seed, form: .classic, initialization: initialization, kernels: kernels)
        case "alexnet":
            return try AlexNet(seed: seed, initialization: initialization ?? .he, kernels: kernels)
        default:
            return try SimpleConvNet(
                seed: seed, initialization: initialization ?? .standardDeviation(0.01),
                kernels: kernels)
        }
    }
}
