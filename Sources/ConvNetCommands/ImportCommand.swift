// SPDX-License-Identifier: MIT
//
// convnet import: parameters that NumPy wrote, as a file of this package.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum ImportCommand: Command {
    static let name = "import"
    static let summary = "Turns NumPy's arrays (.npz) into a network's file."
    static let operands = "ARRAYS.npz"
    static let example = "convnet import params.npz --network simple --out digits.safetensors"
    static let options = [
        Networks.option,
        Option("out", "FILE", "Where to write the network (safetensors)."),
    ]

    static func run(_ options: Options) throws {
        guard let input = options.operands.first else {
            throw UsageError("no arrays, expected an .npz file; --help tells more")
        }
        guard options.operands.count == 1 else {
            throw UsageError("\(options.operands[1]) is unexpected after \(input)")
        }
        guard let path = options.string("out") else {
            throw UsageError("--out is missing, expected a file")
        }
        let output = URL(fileURLWithPath: path)
        var network = try Networks.make(
            options, seed: 0, initialization: .standardDeviation(0), kernels: NativeKernels())
        let arrays = try NumPy.arrays(contentsOf: URL(fileURLWithPath: input))
        try network.loadParameters(arrays, file: input)
        try network.save(to: output)
        print("wrote \(output.path)")
    }
}
