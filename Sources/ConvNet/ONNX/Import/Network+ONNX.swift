// SPDX-License-Identifier: MIT
//
// Networks of models that others have trained.

import Foundation

extension Network {
    /// The network of an ONNX file: its operators as layers, its initializers as parameters of
    /// the same names.
    ///
    /// ```swift
    /// let network = try Network(onnx: URL(fileURLWithPath: "mobilenetv2.onnx"))
    /// let scores = try network.predict(image)
    /// ```
    ///
    /// Sizes that the model leaves open may change from one prediction to the next: a plan is
    /// made for each and kept. The file is not trusted: nothing in it is executed, and
    /// everything is checked.
    ///
    /// - Parameters:
    ///   - url: the file. Tensors that it keeps in other files are read from its folder alone.
    ///   - inputShapes: shapes for inputs that the model leaves open, with all axes, by name; what
    ///     the network's own graph is made for. Where there is none, one sample, and sizes that the
    ///     model works with.
    ///   - example: tensors for inputs that decide shapes or weights, by name.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``FileError`` when the file can't be read or is broken, and ``ONNXError`` with
    ///   everything in it that can't be run.
    public init(
        onnx url: URL, inputShapes: [String: [Int]] = [:], example: [String: Tensor] = [:],
        kernels: any Kernels = NativeKernels()
    ) throws {
        try self.init(
            ONNXFile(url), inputShapes: inputShapes, example: example, kernels: kernels)
    }

    /// The network of the bytes of an ONNX file, as
    /// ``init(onnx:inputShapes:example:kernels:)-(URL,_,_,_)``.
    ///
    /// - Throws: ``FileError`` when the bytes are broken, and ``ONNXError`` with everything
    ///   that can't be run.
    public init(
        onnx bytes: [UInt8], inputShapes: [String: [Int]] = [:], example: [String: Tensor] = [:],
        kernels: any Kernels = NativeKernels()
    ) throws {
        try self.init(
            ONNXFile(bytes), inputShapes: inputShapes, example: example, kernels: kernels)
    }

    /// The network of a file whose header was read.
    package init(
        onnx model: ONNXModelFile, example: [String: Tensor], kernels: any Kernels
    ) throws {
        try self.init(model.file, inputShapes: [:], example: example, kernels: kernels)
    }

    private init(
        _ file: ONNXFile, inputShapes: [String: [Int]], example: [String: Tensor],
        kernels: any Kernels
    ) throws {
        let program = try ONNXProgram(file)
        var shapes = inputShapes
        for (name, tensor) in example { shapes[name] = tensor.shape }
        let (graph, made) = try Self.graph(of: program, shapes: shapes, example: example)
        let missing =
            graph.inputs.isEmpty
            ? ("Input", "inputs") : graph.outputs.isEmpty ? ("Output", "outputs") : nil
        if let missing {
            throw ONNXError(
                file: program.name,
                reasons: [
                    ONNXError.Reason(
                        node: program.name, operation: missing.0, attribute: missing.1,
                        value: "none", expected: "at least one")
                ])
        }
        do {
            try self.init(graph, kernels: kernels)
        } catch let error as TensorError {
            // What a file describes and no network can be is the file's fault.
            throw FileError(file: program.name, problem: "\(error)")
        }
        let names = Set((parameters + buffers).map(\.name))
        imported = ImportedModel(program: ONNXProgram(program, without: names), example: made)
    }

    /// The graph for the given shapes; for what is open besides, sizes are tried.
    private static func graph(
        of program: ONNXProgram, shapes: [String: [Int]], example: [String: Tensor]
    ) throws -> (Graph, ONNXImporter.Case) {
        var first: (any Error)?
        for size in OpenSizes.candidates {
            let sizes = OpenSizes(program, given: shapes, size: size)
            do {
                let (importer, made) = try ONNXImporter.importing(
                    program, for: ONNXImporter.Case(shapes: sizes.shapes), given: example)
                return (importer.graph, made)
            } catch let error as ONNXError {
                if first == nil { first = error }
                guard sizes.areOpen else { throw error }
            } catch let error as TensorError {
                throw FileError(file: program.name, problem: "\(error)")
            }
        }
        throw first ?? FileError(file: program.name, problem: "has no graph")
    }
}

/// Shapes for inputs whose sizes a model leaves open.
private struct OpenSizes {
    /// What is tried, one after the other.
    static let candidates = [224, 64, 48, 32, 256, 320, 640, 16, 8, 4, 2, 1]

    private(set) var shapes: [String: [Int]]
    /// Whether a size was chosen.
    private(set) var areOpen = false

    init(_ program: ONNXProgram, given: [String: [Int]], size: Int) {
        shapes = given
        for input in program.inputs where shapes[input.name] == nil {
            guard let rule = input.shape else { continue }
            shapes[input.name] = rule.enumerated().map { axis, extent in
                if case .fixed(let count) = extent { return count }
                // The first axis counts samples.
                guard axis > 0 else { return 1 }
                areOpen = true
                return size
            }
        }
    }
}
