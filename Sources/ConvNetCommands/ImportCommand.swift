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
        try convert(input, to: output, options)
        print("wrote \(output.path)")
    }

    /// Writes the network that `--network` names, with NumPy's arrays for parameters.
    static func convert(_ input: String, to output: URL, _ options: Options) throws {
        var network = try Networks.make(
            options, seed: 0, initialization: .standardDeviation(0), kernels: NativeKernels())
        let arrays = try NumPy.arrays(contentsOf: URL(fileURLWithPath: input))
        try network.loadParameters(arrays, file: input)
        // After the numbers have become the network's: a double may be more than it can hold.
        if let number = network.firstNonFiniteNumber {
            throw Self.refusal(number, of: arrays, in: input)
        }
        try network.save(to: output)
    }

    /// What is wrong with the arrays, by the non-finite number in them.
    private static func refusal(
        _ number: NonFiniteNumber, of arrays: [NamedTensor], in file: String
    ) -> FileError {
        let array = arrays.first { $0.name == number.name }
        if let array, let own = NonFiniteNumber(in: array) {
            return FileError(
                file: file,
                problem: "\(own), the first that is not finite; expected finite numbers")
        }
        return FileError(
            file: file,
            problem: "\(number.name) has a number at \(number.indices) that is larger than Float "
                + "can hold, expected at most \(Float.greatestFiniteMagnitude)")
    }
}
