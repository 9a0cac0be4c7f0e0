// SPDX-License-Identifier: MIT
//
// Networks that PyTorch exported, trained on: gradients against PyTorch's, what is frozen, and what
// ONNX Runtime makes of the result. Tests/Fixtures/ONNX/finetune.py made the models and the
// numbers.

import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

private let python = ProcessInfo.processInfo.environment["ONNX_PYTHON"]

/// A model and PyTorch's numbers of it.
private struct FineTuningFixture {
    let file: URL
    let tensors: [String: Tensor]
    let metadata: [String: String]

    init(_ name: String) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/ONNX/FineTuning/\(name)").standardizedFileURL
        file = url.appendingPathExtension("onnx")
        let contents = try Safetensors.contents(of: url.appendingPathExtension("safetensors"))
        tensors = Dictionary(uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.value) })
        metadata = contents.metadata
    }

    subscript(name: String) -> Tensor { get throws { try #require(tensors[name]) } }

    var labels: [Int] { get throws { try self["labels"].scalars.map { Int($0) } } }

    /// Fails where a gradient is further from PyTorch's float64 than four times PyTorch's float32
    /// is or, where that was lucky, than its share of four times PyTorch's median; each parameter
    /// has a gradient.
    func compare(_ gradients: [NamedTensor], _ prefix: String) throws {
        let names = tensors.keys.filter { $0.hasPrefix(prefix) && $0 != "\(prefix)loss" }
        #expect(gradients.map { prefix + $0.name }.sorted() == names.sorted())
        func largest(_ name: String) throws -> Double {
            try self[name].doubles.map(abs).max() ?? 0
        }
        func single(_ name: String) throws -> Double {
            try #require(metadata["error.\(name)"].flatMap(Double.init))
        }
        let median = try names.map { try single($0) / largest($0) }.sorted()[names.count / 2]
        #expect(median > 0 && median < 1e-4)
        for (name, value) in gradients {
            let expected = try self[prefix + name].doubles
            let error = zip(value.doubles, expected).map { abs($0 - $1) }.max() ?? 0
            let bound = try 4 * max(single(prefix + name), median * largest(prefix + name))
            #expect(error <= bound, "\(prefix)\(name): \(error), allowed \(bound)")
        }
    }
}

struct FineTuningTests {
    static let names = [
        "resnet18-kept", "resnet18-folded", "mobilenetv2-kept", "mobilenetv2-folded",
    ]

    /// Gradients of a step with running statistics: a step of plain descent is as long as they are.
    /// It is made long, so that no digits are lost to the parameters.
    private static func frozenGradients(
        _ network: Network, _ fixture: FineTuningFixture
    ) throws -> (loss: Double, gradients: [NamedTensor]) {
        let rate = 1024.0
        var trained = network
        var updater = try Updater(SGD(learningRate: rate))
        updater.frozenNormalizations = network.buffers.isEmpty ? [] : ["*"]
        let loss = try trained.trainStep(
            on: Batch(images: fixture["images"], targets: .labels(fixture.labels)), with: &updater)
        let gradients = try zip(network.parameters, trained.parameters).map { before, after in
            (name: before.name, value: try (1 / rate) * (before.value - after.value))
        }
        return (loss, gradients)
    }

    @Test(arguments: names)
    func gradientsArePyTorchs(_ name: String) throws {
        let fixture = try FineTuningFixture(name)
        let network = try Network(onnx: fixture.file)
        let x = try fixture["images"]
        let (y, expected) = (try network.predict(x), try fixture["output"])
        let largest = expected.doubles.map(abs).max() ?? 0
        #expect(
            Comparison(y, expected, bounds: expected.doubles.map { _ in 1e-5 * largest })
                .isWithinBounds)
        // Normalizations are layers where the file has them.
        let isKept = name.hasSuffix("kept")
        #expect(network.buffers.isEmpty == !isKept)
        let frozen = try Self.frozenGradients(network, fixture)
        let loss = try fixture["frozen.loss"].doubles[0]
        #expect(abs(frozen.loss - loss) <= 1e-5 * loss)
        try fixture.compare(frozen.gradients, "frozen.")
        guard isKept else { return }
        let result = try network.gradients(x, labels: fixture.labels)
        #expect(try abs(result.loss - fixture["batch.loss"].doubles[0]) <= 1e-5 * result.loss)
        try fixture.compare(result.parameters, "batch.")
    }

    /// Two epochs, the second one from a checkpoint: what is frozen keeps every byte, and the rest
    /// learns.
    @Test(arguments: names)
    func whatIsFrozenStaysAlsoOverACheckpoint(_ name: String) throws {
        let fixture = try FineTuningFixture(name)
        let start = try Network(onnx: fixture.file)
        let samples = GivenSamples(try fixture["images"], try fixture.labels)
        let head = try #require(start.parameters.last?.name)
        let trainable = [head, String(head.prefix(while: { $0 != "." })) + ".*"]
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("checkpoint.safetensors")
            func trained(epochs: Int, resuming: Bool) throws -> Network {
                var network = start
                var trainer = try Trainer(
                    optimizer: Adam(learningRate: 0.01), batchSize: 2, epochs: epochs)
                trainer.trainable = trainable
                trainer.frozenNormalizations = start.buffers.isEmpty ? [] : ["*"]
                let plan = try Checkpoints(
                    file: file, resuming: resuming ? Checkpoint(contentsOf: file) : nil)
                try trainer.train(&network, on: samples, checkpoints: plan)
                return network
            }
            _ = try trained(epochs: 1, resuming: false)
            let resumed = try trained(epochs: 2, resuming: true)
            try FileManager.default.removeItem(at: file)
            let whole = try trained(epochs: 2, resuming: false)
            let before = start.parameters + start.buffers
            let after = resumed.parameters + resumed.buffers
            for (place, (old, new)) in zip(before, after).enumerated() {
                let isTrained = old.name == head || old.name.hasPrefix(trainable[1].dropLast(1))
                #expect(old.value.hasSameBits(as: new.value) != isTrained, "\(old.name)")
                let other = (whole.parameters + whole.buffers)[place].value
                #expect(new.value.hasSameBits(as: other), "\(old.name)")
            }
        }
    }

    /// With other classes, after some steps, exported: ONNX Runtime gives what the network gives.
    @Test(.enabled(if: python != nil, "ONNX_PYTHON is not set"), arguments: names)
    func whatWasTrainedIsGivenBack(_ name: String) throws {
        let fixture = try FineTuningFixture(name)
        var network = try Network(onnx: fixture.file)
        let width =
            try #require(network.parameters.last(where: { $0.value.shape.count == 2 }))
            .value.shape.max() ?? 0
        let head = try network.replaceOutput(
            with: Affine(inputSize: width, outputSize: 3, seed: 1))
        var updater = try Updater(Momentum(learningRate: 0.01, momentum: 0.9))
        let batch = try Batch(
            images: fixture["images"], targets: .labels(fixture.labels.map { $0 % 3 }))
        var losses: [Double] = []
        for _ in 0..<5 { losses.append(try network.trainStep(on: batch, with: &updater)) }
        #expect(losses[4] < losses[0])
        #expect(network.parameters.contains { $0.name.hasPrefix(head) })
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("model.onnx")
            try network.exportONNX(to: file)
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Fixtures/ONNX/answers.py")
            let run = try Subprocess.run(
                try #require(python), [script.path, file.path, folder.path, "3", "3", "32", "32"])
            try #require(run.status == 0, "\(run)")
            let x = try NumPy.array(contentsOf: folder.appendingPathComponent("input.npy"))
            let expected = try NumPy.array(contentsOf: folder.appendingPathComponent("output0.npy"))
            let largest = expected.doubles.map(abs).max() ?? 0
            for one in [network, try Network(onnx: file)] {
                let comparison = Comparison(
                    try one.predict(x), expected,
                    bounds: expected.doubles.map { _ in 1e-5 * largest })
                #expect(comparison.isWithinBounds, "\(name): \(comparison)")
            }
        }
    }
}
