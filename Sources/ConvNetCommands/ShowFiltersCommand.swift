// SPDX-License-Identifier: MIT
//
// convnet show filters: the first layer's filters as a picture, before training and after.

import ConvNet
import ConvNetOptions
import ConvNetPlots
import Foundation

enum ShowFiltersCommand: Command {
    static let name = "show filters"
    static let summary = "Draws the first layer's filters, before training and after."
    static let operands = ""
    static let example =
        "convnet show filters --parameters digits.safetensors --seed 1 --out filters.png"
    static let options = [
        Option("parameters", "FILE", "The parameters after training (safetensors, or ONNX)."),
        Option("before", "FILE", "The parameters before training (safetensors, or ONNX)."),
        Option("seed", "N", "Instead of --before: draw them from this seed."),
        Networks.option,
        Option("initialization", "NAME", "How --seed draws: as for train."),
        Option("limit", "N", "Show only the first N filters."),
        .picture,
    ]

    static func run(_ options: Options) throws {
        let parameters = try options.requiredParameters()
        let output = try options.requiredPicture()
        let limit = try options.int("limit")
        let before = try before(options)
        let weights = try FirstLayer.filters(in: parameters)
        try Picture.filters(weights, before: before(weights), limit: limit).write(to: output)
        print("wrote \(output.path)")
    }

    /// What gives the filters before training, once those after it are known.
    private static func before(
        _ options: Options
    ) throws -> (_ weights: Tensor) throws -> Tensor? {
        let seed = try options.int("seed", atLeast: 0)
        guard let path = options.string("before") else {
            guard let seed else { return { _ in nil } }
            _ = try Networks.name(options)
            let initialization = try TrainCommand.initialization(options)
            return { weights in
                let network = try Networks.make(
                    options, seed: UInt64(seed), initialization: initialization,
                    for: weights.shape[1] == 1 ? .digits : nil, kernels: NativeKernels())
                return try FirstLayer.filters(of: network)
            }
        }
        guard seed == nil else {
            throw UsageError("--seed is given beside --before, expected one of them")
        }
        let file = URL(fileURLWithPath: path)
        return { _ in try FirstLayer.filters(in: file) }
    }
}
