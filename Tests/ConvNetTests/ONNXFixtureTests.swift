// SPDX-License-Identifier: MIT
//
// Small models of forms that exporters write, against ONNX Runtime's answers.
// Tests/Fixtures/ONNX/models.py made both.

import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ONNXFixtureTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/ONNX/Models").standardizedFileURL

    /// The names of the models.
    static let names = [
        "attention", "best-boxes", "branches", "functions", "grids", "half", "indices", "nearest",
        "normalized-weights", "places", "reductions", "sequences", "thin-resnet-nhwc", "volumes",
    ]

    /// So that no model lies there without being tried.
    @Test func everyModelIsListed() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(files.filter { $0.hasSuffix(".onnx") }.sorted() == Self.names.map { "\($0).onnx" })
    }

    /// Each byte replaced by others: the model loads and runs, or is refused, and nothing traps.
    @Test(arguments: ["branches", "functions", "sequences", "best-boxes", "places"])
    func aDamagedModelLoadsOrIsRefused(_ name: String) throws {
        let bytes = Array(
            try Data(contentsOf: Self.folder.appendingPathComponent("\(name).onnx")))
        let x = try Tensor(shape: [1, 3, 4, 6], repeating: 0.5)
        var refused = 0
        for place in bytes.indices {
            for change in [UInt8(0xFF), 0x03] {
                var damaged = bytes
                damaged[place] ^= change
                do {
                    _ = try Network(onnx: damaged).predict(["x": x])
                } catch {
                    refused += 1
                    let isKnown = error is FileError || error is ONNXError || error is TensorError
                    #expect(isKnown, "byte \(place): \(error)")
                }
            }
        }
        #expect(refused > 0)
    }

    /// A hundred-thousandth of the largest number: sums are taken in another order than there.
    @Test(arguments: names)
    func answersAreThoseOfONNXRuntime(_ name: String) throws {
        let url = Self.folder.appendingPathComponent(name)
        let file = url.appendingPathExtension("onnx")
        let interface = try ONNXInterface(contentsOf: file)
        let arrays = try Dictionary(
            uniqueKeysWithValues: NumPy.arrays(contentsOf: url.appendingPathExtension("npz"))
                .map { ($0.name, $0.value) })
        var inputs: [String: Tensor] = [:]
        for (place, input) in interface.inputs.enumerated() {
            let tensor: Tensor = try #require(arrays["in\(place)"])
            inputs[input.name] = tensor
        }
        // For these images, and for those of another size first.
        for network in [try Network(onnx: file, example: inputs), try Network(onnx: file)] {
            let found = try network.predict(inputs)
            for (place, output) in interface.outputs.enumerated() {
                let expected = try #require(arrays["out\(place)"])
                let largest = expected.doubles.map(abs).max() ?? 0
                let comparison = Comparison(
                    try #require(found[output.name]), expected,
                    bounds: expected.doubles.map { _ in 1e-5 * largest })
                #expect(comparison.isWithinBounds, "\(name), \(output.name): \(comparison)")
            }
            // Trained or not, it goes to a file of the package and back.
            try withTemporaryFolder { folder in
                let other = folder.appendingPathComponent("n.safetensors")
                try network.save(to: other)
                let names = network.graph.inputs.map(\.name)
                let shapes = network.graph.inputs.map(\.wholeShape)
                guard shapes == names.map({ inputs[$0]?.shape }) else { return }
                #expect(try Network(contentsOf: other).predict(inputs) == found)
            }
        }
    }
}
