// SPDX-License-Identifier: MIT
//
// The filters of a network's first convolution, from a file of parameters or freshly drawn. A file
// says enough: its network need not be one that has a name here.

import ConvNet
import Foundation

enum FirstLayer {
    /// The filters in a file.
    ///
    /// - Returns: `[F, C, KH, KW]`.
    /// - Throws: ``FileError`` when the file can't be read, has no filters, or NaN or infinities
    ///   in them.
    static func filters(in file: URL) throws -> Tensor {
        if ModelFile.isONNX(file) {
            let network = try ModelFile.network(onnx: file, kernels: NativeKernels())
            return try filters(of: network)
        }
        let contents = try Safetensors.contents(of: file)
        guard let filters = try filters(in: contents, file: file.path) else {
            throw FileError(
                file: file.path,
                problem: "has no filters, expected a tensor W1, W2 or so on of four axes")
        }
        if let number = NonFiniteNumber(in: filters) {
            throw NonFinite.error(number, in: file.path)
        }
        return filters.value
    }

    private static func filters(
        in contents: Safetensors.Contents, file: String
    ) throws -> NamedTensor? {
        if let filters = numberedFilters(in: contents.tensors) { return filters }
        // Names of a graph's tensors don't show their order; its description does.
        guard contents.describesNetwork else { return nil }
        let network = try Network(contents, file: file, strict: false)
        return firstFilters(in: network.parameters)
    }

    /// The filters of a network.
    ///
    /// - Throws: ``TensorError`` when it has no convolution.
    static func filters(of network: any Classifier) throws -> Tensor {
        let parameters = network.parameters
        let filters = numberedFilters(in: parameters) ?? firstFilters(in: parameters)
        guard let filters else {
            throw TensorError(
                operation: "show filters", argument: "network", value: "without filters",
                expected: "one with a convolution")
        }
        return filters.value
    }

    /// The tensor of four axes among W1, W2 and so on that has the lowest number.
    private static func numberedFilters(in tensors: [NamedTensor]) -> NamedTensor? {
        let numbered = tensors.compactMap { tensor -> (number: Int, tensor: NamedTensor)? in
            guard tensor.name.hasPrefix("W"), let number = Int(tensor.name.dropFirst()),
                tensor.value.shape.count == 4
            else { return nil }
            return (number, tensor)
        }
        return numbered.min { $0.number < $1.number }?.tensor
    }
    /// The first tensor of four axes.
    private static func firstFilters(in parameters: [NamedTensor]) -> NamedTensor? {
        parameters.first { $0.value.shape.count == 4 }
    }
}
