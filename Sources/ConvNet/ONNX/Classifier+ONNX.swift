// SPDX-License-Identifier: MIT
//
// Networks for other runtimes: an ONNX file holds what `predict` does, with the parameters.

import Foundation

extension Classifier {
    /// Writes the network as an ONNX file, for ONNX Runtime and others that read it (operators of
    /// version 17, float32).
    ///
    /// The file computes what ``predict(_:)`` does: its `input` takes any number of samples,
    /// `output` gives their logits. Dropout is left out, as in prediction. Sums may be taken in
    /// another order there, so that the last bits differ.
    ///
    /// The file is written beside the target and renamed, so that the target is always whole; the
    /// same network gives the same bytes.
    ///
    /// - Throws: ``TensorError`` that names a layer which ONNX has no operators for, and
    ///   ``FileError`` when the file can't be written or were larger than ONNX's 2 GiB.
    public func exportONNX(to url: URL) throws {
        try ParameterFile.write(onnxData(file: url.path), to: url)
    }

    /// The bytes of the ONNX file.
    func onnxData(file: String) throws -> Data {
        let network = network
        var graph = ONNXGraph(network.graph)
        let names = network.tensorNames
        for (place, node) in network.graph.nodes.enumerated() {
            let shape = try node.inputs.first.map { try network.graph.wholeShape(of: $0) } ?? [1]
            try graph.add(node, at: place, inputShape: shape, tensorNames: names[place])
        }
        let message = try graph.model(of: network).message
        guard message.byteCount <= ProtobufMessage.largestByteCount else {
            throw FileError(
                file: file,
                problem: "would have \(message.byteCount) bytes, expected at most "
                    + "\(ProtobufMessage.largestByteCount) in ONNX")
        }
        return message.encoded()
    }
}
