// SPDX-License-Identifier: MIT
//
// Layers that take indices: NumPy's own examples, gradients, and what is no index.

import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct IndexedLayerTests {
    private static func tensor(_ shape: [Int], _ numbers: [Double]) throws -> Tensor {
        try Tensor(shape: shape, doubles: numbers)
    }

    /// A layer, what goes in, and what comes out.
    struct Example: Sendable {
        let layer: any Layer
        let inputs: [Tensor]
        let output: Tensor
    }

    /// Small numbers that can be followed by hand.
    static func examples() throws -> [Example] {
        let table = try tensor([3, 2], [1, 2, 3, 4, 5, 6])
        let replaced = try Scattering(.numbers, axis: 0)
        return [
            Example(
                layer: try Gathering(.parts, axis: 0), inputs: [table, try tensor([2], [2, -3])],
                output: try tensor([2, 2], [5, 6, 1, 2])),
            Example(
                layer: try Gathering(.parts, axis: 1),
                inputs: [table, try tensor([1, 2], [1, 1])],
                output: try tensor([3, 1, 2], [2, 2, 4, 4, 6, 6])),
            Example(
                layer: try Gathering(.numbers, axis: 0),
                inputs: [table, try tensor([2, 2], [0, 2, 1, -1])],
                output: try tensor([2, 2], [1, 6, 3, 6])),
            Example(
                layer: try Gathering(.numbers, axis: 1),
                inputs: [table, try tensor([3, 1], [1, 0, 1])],
                output: try tensor([3, 1], [2, 3, 6])),
            Example(
                layer: try Gathering(.nested, axis: 0),
                inputs: [table, try tensor([2, 2], [0, 1, 2, 0])], output: try tensor([2], [2, 5])
            ),
            Example(
                layer: try Gathering(.nested, axis: 1),
                inputs: [table, try tensor([3, 1], [1, 0, 1])], output: try tensor([3], [2, 3, 6])),
            Example(
                layer: replaced,
                inputs: [table, try tensor([1, 2], [2, 0]), try tensor([1, 2], [7, 8])],
                output: try tensor([3, 2], [1, 8, 3, 4, 7, 6])),
            Example(
                layer: replaced,
                inputs: [
                    table, try tensor([2, 2], [1, 1, 1, 1]), try tensor([2, 2], [7, 8, 9, 10]),
                ],
                output: try tensor([3, 2], [1, 2, 9, 10, 5, 6])),
            Example(
                layer: try Scattering(.nested, axis: 0, mode: .add),
                inputs: [
                    table, try tensor([2, 1], [1, 1]), try tensor([2, 2], [10, 20, 30, 40]),
                ],
                output: try tensor([3, 2], [1, 2, 43, 64, 5, 6])),
        ]
    }

    @Test func numbersAreTakenFromAndPutAtTheirPlaces() throws {
        for (number, example) in try Self.examples().enumerated() {
            for kernels in [ReferenceKernels() as any Kernels, NativeKernels()] {
                let type: ScalarType = kernels is NativeKernels ? .float32 : .float64
                let inputs = try example.inputs.map { try $0.converted(to: type) }
                let found = try example.layer.predict(inputs, on: kernels)
                #expect(found == (try example.output.converted(to: type)), "example \(number)")
                let forward = try example.layer.forward(inputs, in: Pass(kernels: kernels))
                #expect(forward.output == found)
            }
        }
    }

    /// All of it is linear in the numbers, so that one difference is the derivative, exactly.
    @Test func gradientsAreDifferences() throws {
        for (number, example) in try Self.examples().enumerated() {
            let pass = Pass(kernels: ReferenceKernels())
            let weights = try Tensor(
                shape: example.output.shape,
                doubles: (0..<example.output.count).map { Double($0 + 1) })
            func value(_ inputs: [Tensor]) throws -> Double {
                let y = try example.layer.predict(inputs, on: pass.kernels)
                return zip(y.doubles, weights.doubles).map(*).reduce(0, +)
            }
            let gradients = try example.layer.forward(example.inputs, in: pass).pullback(weights)
            let before = try value(example.inputs)
            for input in example.inputs.indices {
                let found = try #require(gradients.inputs[input])
                #expect(found.shape == example.inputs[input].shape)
                for place in 0..<found.count {
                    guard input != 1 else {
                        #expect(found.doubles[place] == 0)
                        continue
                    }
                    var shifted = example.inputs
                    var numbers = shifted[input].doubles
                    numbers[place] += 1
                    shifted[input] = try Tensor(shape: shifted[input].shape, doubles: numbers)
                    let difference = try value(shifted) - before
                    #expect(found.doubles[place] == difference, "example \(number), \(input)")
                }
            }
            let none = try example.layer.forward(example.inputs, in: pass).pullback(
                weights,
                wanted: WantedGradients(
                    inputs: example.inputs.map { _ in false }, parameters: false))
            #expect(none.inputs.allSatisfy { $0 == nil })
        }
    }

    @Test func whatIsNoIndexIsRefused() throws {
        let table = try Self.tensor([3, 2], [1, 2, 3, 4, 5, 6])
        for wrong in [3, -4, 0.5, .nan, .infinity] {
            let error = #expect(throws: TensorError.self) {
                try Gathering(.parts, axis: 0).predict(
                    [table, Self.tensor([1], [wrong])], on: ReferenceKernels())
            }
            #expect(error?.argument == "indices" && error?.value == "\(wrong)")
        }
        for (layer, shapes) in [
            (try Gathering(.numbers, axis: 0) as any Layer, [[3, 2], [2]]),
            (try Gathering(.nested, axis: 0), [[3, 2], [1, 3]]),
            (try Scattering(.numbers, axis: 0), [[3, 2], [1, 2], [2, 2]]),
        ] {
            #expect(throws: TensorError.self) { try layer.outputShape(for: shapes) }
        }
        #expect(throws: TensorError.self) { try Scattering(.parts, axis: 0) }
        #expect(throws: TensorError.self) { try Gathering(.parts, axis: -1) }
    }

    /// Through an ONNX file and through one of the package's own, with indices as an input.
    @Test func filesHoldThem() throws {
        for (number, example) in try Self.examples().enumerated() {
            var graph = Graph()
            let values = try example.inputs.enumerated().map {
                try graph.input("in\($0.offset)", wholeShape: $0.element.shape)
            }
            try graph.output(graph.add(example.layer, values), "y")
            let network = try Network(graph)
            let inputs = try Dictionary(
                uniqueKeysWithValues: example.inputs.enumerated().map {
                    ("in\($0.offset)", try $0.element.converted(to: .float32))
                })
            let shapes = inputs.mapValues(\.shape)
            let imported = try Network(
                onnx: Array(network.onnxData(file: "f")), inputShapes: shapes)
            let expected = try example.output.converted(to: .float32)
            #expect(try imported.predict(inputs)["y"] == expected, "example \(number)")
            // In files of the package the first axis of all inputs counts the same samples.
            guard Set(shapes.values.map(\.first)).count == 1 else { continue }
            try withTemporaryFolder { folder in
                let url = folder.appendingPathComponent("n.safetensors")
                try network.save(to: url)
                #expect(try Network(contentsOf: url).predict(inputs)["y"] == expected)
            }
        }
    }
}
