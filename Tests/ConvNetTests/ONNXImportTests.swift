// SPDX-License-Identifier: MIT
//
// Models as networks: what this package exports comes back as it was, and what can't be
// run is reported.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ONNXImportTests {
    /// Found by fuzzing.
    @Test func aModelWithoutOutputsIsRefused() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fuzzing/seeds/ONNX/no-outputs")
        let error = #expect(throws: ONNXError.self) { try Network(onnx: file) }
        #expect(error?.reasons.map(\.attribute) == ["outputs"])
    }

    /// Each layer and each network that is exported gives the same numbers as what is imported
    /// again; so does what is exported of that. Sums may be taken in another order.
    @Test func whatIsExportedComesBack() throws {
        for one in try describedNetworks() {
            let expected = try one.prediction()
            let bytes = Array(try one.network.onnxData(file: one.name))
            let names = one.network.graph.inputs.map(\.name)
            let example = Dictionary(uniqueKeysWithValues: zip(names, one.inputs))
            let shapes = example.mapValues { [1] + $0.shape.dropFirst() }
            let imported: Network
            do {
                imported = try Network(onnx: bytes, inputShapes: shapes)
            } catch {
                Issue.record("\(one.name): \(error)")
                continue
            }
            let again = try Network(
                onnx: Array(imported.onnxData(file: one.name)), inputShapes: shapes)
            for network in [imported, again] {
                let found = try one.prediction(of: network)
                let largest = expected.doubles.map(abs).max() ?? 0
                let comparison = Comparison(
                    found, expected,
                    bounds: expected.doubles.map { _ in one.isExact ? 0 : 1e-5 * largest })
                #expect(comparison.isWithinBounds, "\(one.name) \(comparison)")
            }
        }
    }

    /// Networks of the package come back as the layers that they are, not as products and sums.
    @Test func ownNetworksComeBackAsTheirLayers() throws {
        for network in [
            try LeNet(seed: 1).network, try SimpleConvNet(seed: 1).network,
            try Network.resnet18(classes: 4, inputShape: [3, 32, 32], width: 2),
            try Network.unet(classes: 2, inputShape: [3, 16, 12], width: 3),
        ] {
            func kinds(_ network: Network) -> [String] {
                network.graph.nodes.map { "\(type(of: $0.layer))" }
                    .filter { !["Dropout", "Flatten", "Reshape"].contains($0) }
            }
            let imported = try Network(onnx: Array(network.onnxData(file: "f")))
            #expect(
                kinds(imported).map { $0 == "Activation" ? "ReLU" : $0 }
                    == kinds(network).map { $0 == "Activation" ? "ReLU" : $0 })
        }
    }

    private static func node(
        _ operation: String, _ inputs: [String], _ output: String,
        _ attributes: [(name: String, value: ONNXAttribute)] = []
    ) -> ONNXNode {
        ONNXNode(
            name: operation.lowercased(), operation: operation, inputs: inputs, output: output,
            attributes: attributes)
    }

    /// Parameters are called as in the file, also where two operators read one.
    @Test func tensorsKeepTheirNames() throws {
        let w = try Tensor(shape: [1, 2], scalars: [3, -1])
        let bytes = SmallModels.model(
            nodes: [
                Self.node("Mul", ["x", "w"], "a"), Self.node("Add", ["a", "w"], "b"),
                Self.node("Relu", ["b"], "y"),
            ], constants: [ProtobufMessage(onnx: w, name: "w")], input: ("x", [2]))
        var network = try Network(onnx: bytes)
        #expect(network.parameters.map(\.name) == ["w"])
        let x = try Tensor(shape: [1, 2], scalars: [2, 2])
        #expect(try network.predict(x).scalars == [9, 0])
        // With another w and other samples the same formula.
        try network.replaceParameters([Tensor(shape: [1, 2], scalars: [1, 2])])
        let two = try Tensor(shape: [2, 2], scalars: [1, 1, 2, 2])
        #expect(try network.predict(two).scalars == [2, 4, 3, 6])
        #expect(try network.predict(x).scalars == [3, 6])
    }

    /// A parameter's gradient is that of all operators that read it: y = x · w + w.
    @Test func gradientsOfOneTensorAreAdded() throws {
        let w = try Tensor(shape: [1, 2], scalars: [3, 5])
        let bytes = SmallModels.model(
            nodes: [Self.node("Mul", ["x", "w"], "a"), Self.node("Add", ["a", "w"], "y")],
            constants: [ProtobufMessage(onnx: w, name: "w")], input: ("x", [2]))
        let network = try Network(onnx: bytes)
        let x = try Tensor(shape: [1, 2], scalars: [2, 4])
        let result = try network.gradients(
            x, targets: .values(Tensor(shape: [1, 2], scalars: [0, 0])), loss: MeanSquaredError())
        // y is 9 and 25; its gradient of the mean of squares is y itself, or twice it, by the
        // loss's convention: the ratio shows which.
        let gradient = result.parameters[0].value.scalars
        #expect(gradient.count == 2 && gradient[1] / gradient[0] == 25 * 5 / (9 * 3))
    }

    /// Everything that is not supported, in one error.
    @Test func allReasonsAreToldAtOnce() throws {
        let bytes = SmallModels.model(
            nodes: [
                Self.node("Frobnicate", ["x"], "a"), Self.node("Relu", ["a"], "b"),
                Self.node("LeakyRelu", ["x"], "c", [("slope", .float(1))]),
                Self.node("QLinearConv", ["x"], "d"), Self.node("Sum", ["b", "c", "d"], "y"),
            ], input: ("x", [2]))
        let error = #expect(throws: ONNXError.self) { try Network(onnx: bytes) }
        let reasons = try #require(error).reasons
        #expect(reasons.map(\.operation) == ["Frobnicate", "LeakyRelu", "QLinearConv"])
        #expect(reasons[1].attribute == "slope")
        #expect(reasons[2].value == "quantized")
        #expect(
            reasons[0].description
                == "frobnicate (Frobnicate): not supported, expected an operator that is")
    }

    /// What is known beforehand is short; what is computed may be as large as memory.
    @Test func largeValuesAreBroadcast() throws {
        let shape = [1, 2, 700, 800]
        #expect(!ONNXArithmetic.isShort(shape))
        let slope = try Tensor(shape: [2, 1, 1], scalars: [0.5, 0.25])
        let bytes = SmallModels.model(
            nodes: [
                Self.node("PRelu", ["x", "slope"], "a"), Self.node("Shape", ["a"], "shape"),
                Self.node("ReduceMax", ["a"], "most", [("axes", .ints([2, 3]))]),
                Self.node("Expand", ["most", "shape"], "b"), Self.node("Sub", ["a", "b"], "y"),
            ], constants: [ProtobufMessage(onnx: slope, name: "slope")],
            input: ("x", Array(shape.dropFirst())))
        let x = try Tensor(shape: shape, repeating: -4)
        let y = try Network(onnx: bytes).predict(x)
        #expect(y == (try Tensor(zeros: shape)))
    }

    @Test func aModeThatIsNotSupportedIsAnError() throws {
        let bytes = SmallModels.model(
            nodes: [Self.node("Gelu", ["x"], "y", [("approximate", .text("cubic"))])],
            input: ("x", [2]))
        #expect(throws: ONNXError.self) { try Network(onnx: bytes) }
    }

    /// Batch, height and width that a model leaves open, from call to call.
    @Test func openSizesMayChange() throws {
        let bytes = try SmallModels.convolution()
        let network = try Network(onnx: bytes)
        var draw = Draw(seed: 3)
        for samples in [1, 3, 2, 1] {
            let x = try draw.normal([samples, 2, 5, 4])
            let y = try network.predict(x)
            #expect(y.shape == [samples, 2])
            #expect(try network.predict(x).hasSameBits(as: y))
        }
        // What the model fixes stays.
        let error = #expect(throws: TensorError.self) {
            try network.predict(draw.normal([1, 2, 6, 4]))
        }
        #expect(error?.expected == "[N, 2, 5, 4]")
    }

    /// What follows from the number of samples is no layer for other numbers of them.
    @Test func aShapeThatDependsOnSamplesIsNotTrainedWithOthers() throws {
        let network = try Network(onnx: SmallModels.arithmetic())
        let x = try Tensor(shape: [1, 6, 2], repeating: 1)
        #expect(try network.predict(x).shape == [6, 2])
        #expect(try network.predict(Tensor(shape: [2, 6, 2], repeating: 1)).shape == [6, 4])
        let loss = MeanSquaredError()
        #expect(throws: TensorError.self) {
            _ = try network.gradients(
                Tensor(shape: [2, 6, 2], repeating: 1),
                targets: .values(Tensor(zeros: [12, 2])), loss: loss)
        }
    }

    /// Whole networks that were imported go to files of this package and come back, with their
    /// names.
    @Test func importedNetworksAreSaved() throws {
        try withTemporaryFolder { folder in
            let network = try Network(onnx: SmallModels.convolution())
            let url = folder.appendingPathComponent("n.safetensors")
            try network.save(to: url)
            let other = try Network(contentsOf: url)
            #expect(other.parameters.map(\.name) == network.parameters.map(\.name))
            #expect(other.buffers.map(\.name) == network.buffers.map(\.name))
            var draw = Draw(seed: 4)
            let x = try draw.normal([2, 2, 5, 4])
            #expect(try other.predict(x).hasSameBits(as: network.predict(x)))
        }
    }

    /// Functions that exporters write out are the layers that they are.
    @Test func writtenOutFunctionsAreFound() throws {
        for activation in [Activation.gelu, .silu, .mish] {
            let network = try Network(
                inputShape: [5], layers: [NamedLayer("a", activation)])
            let imported = try Network(onnx: Array(network.onnxData(file: "f")))
            #expect(imported.graph.nodes.map { "\($0.layer)" } == ["\(activation)"])
        }
        let three = try Tensor(shape: [], repeating: 3)
        let bytes = SmallModels.model(
            nodes: [
                Self.node("Add", ["x", "three"], "a"),
                Self.node("Clip", ["a", "zero", "six"], "b"), Self.node("Mul", ["x", "b"], "c"),
                Self.node("Div", ["c", "six"], "y"),
            ],
            constants: [
                ProtobufMessage(onnx: three, name: "three"),
                ProtobufMessage(onnx: try Tensor(shape: [], repeating: 6), name: "six"),
                ProtobufMessage(onnx: try Tensor(zeros: []), name: "zero"),
            ], input: ("x", [4]))
        let hardSwish = try Network(onnx: bytes)
        #expect(hardSwish.graph.nodes.map { "\($0.layer)" } == ["\(Activation.hardSwish)"])
        let x = try Tensor(shape: [1, 4], scalars: [-4, -1.5, 0, 3])
        #expect(try hardSwish.predict(x).scalars == [0, -0.375, 0, 3])
    }

    /// A tensor without inputs is a value: its gradient is that of the output.
    @Test func storedTensorsAreParametersOrConstants() throws {
        let tensor = try Tensor(shape: [1, 2], scalars: [1, 2])
        let gradient = try Tensor(shape: [1, 2], scalars: [3, 4])
        let trained = StoredTensor(tensor, isTrained: true)
        let forward = try trained.forward([], in: Pass())
        #expect(forward.output == tensor)
        #expect(try forward.pullback(gradient).parameters == [gradient])
        let constant = StoredTensor(tensor, isTrained: false)
        #expect(try constant.forward([], in: Pass()).pullback(gradient).parameters.isEmpty)
        #expect(constant.buffers == [tensor] && trained.parameters == [tensor])
        #expect(throws: TensorError.self) { try constant.predict([tensor], on: NativeKernels()) }
    }
}
