// SPDX-License-Identifier: MIT
//
// What an ONNX file takes and gives, without reading its weights.

import Foundation

/// The inputs and outputs of an ONNX file.
///
/// ```swift
/// let interface = try ONNXInterface(contentsOf: URL(fileURLWithPath: "mobilenetv2.onnx"))
/// print(interface.inputs[0])  // image FLOAT [batch, 3, 224, 224]
/// ```
public struct ONNXInterface: Sendable, Hashable {
    /// One input or output.
    public struct Value: Sendable, Hashable, CustomStringConvertible {
        /// Its name in the file.
        public let name: String
        /// What ONNX calls the type of its numbers, such as `FLOAT` or `INT64`; empty where the
        /// file does not say.
        public let type: String
        /// The extents: numbers, or what the file calls those that it leaves open. Nil where the
        /// file does not even say how many there are.
        public let shape: [String]?

        /// Name, type and shape.
        public var description: String {
            let extents = shape.map { "[\($0.joined(separator: ", "))]" } ?? "of any shape"
            return [name, type, extents].filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    /// What the model takes, in the file's order, without those inputs that have an initializer.
    public let inputs: [Value]
    /// What it gives, in the file's order.
    public let outputs: [Value]
    /// The program that wrote the file; empty where it does not say.
    public let producer: String
    /// The version of ONNX's operators that the file is written in.
    public let operatorVersion: Int

    /// Reads a file's inputs and outputs.
    ///
    /// - Throws: ``FileError`` when the file can't be read or is broken.
    public init(contentsOf url: URL) throws {
        self.init(try ONNXFile(url))
    }

    fileprivate init(_ file: ONNXFile) {
        let initializers = Set(file.initializers.map(\.name))
        inputs = file.inputs.filter { !initializers.contains($0.name) }.map(Value.init)
        outputs = file.outputs.map(Value.init)
        producer = file.producer
        operatorVersion = file.operatorVersion
    }
}

/// An ONNX file whose header was read, for what asks for its interface before it is a network.
package struct ONNXModelFile {
    let file: ONNXFile
    /// What it takes and gives.
    package let interface: ONNXInterface

    /// Reads a file's header.
    ///
    /// - Throws: ``FileError`` when the file can't be read or is broken.
    package init(contentsOf url: URL) throws {
        file = try ONNXFile(url)
        interface = ONNXInterface(file)
    }
}

extension ONNXInterface.Value {
    fileprivate init(_ info: ONNXFile.ValueInfo) {
        name = info.name
        type = ONNXType(rawValue: info.elementType)?.name ?? ""
        shape = info.shape?.map {
            switch $0 {
            case .fixed(let extent): "\(extent)"
            case .open(let name): name.isEmpty ? "?" : name
            }
        }
    }
}
