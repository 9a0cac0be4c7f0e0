// SPDX-License-Identifier: MIT
//
// The networks that commands know by name.

import ConvNet
import ConvNetOptions

enum Networks {
    /// What `--network` may be.
    static let names = ["simple", "lenet", "lenet-1998", "alexnet"] + NamedGraph.all.map(\.name)

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
    /// - Parameters:
    ///   - initialization: how wide weights are spread; the network's own when nil. Networks that
    ///     are no chains know their own alone.
    ///   - images: what those that fit any images are made for; what they were published for when
    ///     nil.
    /// - Throws: ``UsageError`` when there is none of that name, or its weights can't be drawn as
    ///   `--initialization` says.
    static func make(
        _ options: Options, seed: UInt64, initialization: Initialization?,
        for images: ImageKind? = nil, kernels: any Kernels
    ) throws -> any Classifier {
        let name = try name(options)
        if let graph = NamedGraph.all.first(where: { $0.name == name }) {
            if let text = options.string("initialization") {
                throw UsageError(
                    "--initialization is \(text), expected none with \(name), which knows its own")
            }
            return try graph.build(images ?? graph.images, seed, kernels)
        }
        switch name {
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

    /// Fails where the network gives something else than a class for each image.
    ///
    /// - Throws: ``UsageError`` that says what it gives.
    static func requireClassifier(_ options: Options) throws(UsageError) {
        guard try name(options) == "unet" else { return }
        throw UsageError(
            "--network is unet, which gives a class for each pixel, expected one that gives a class "
                + "for each image")
    }
}
