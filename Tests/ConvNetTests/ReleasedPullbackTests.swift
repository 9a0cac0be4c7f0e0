// SPDX-License-Identifier: MIT
//
// What is released where only a part of a network is trained.

import Testing

@testable import ConvNet

/// Knows whether what a pullback has captured is still there.
private final class Watch: @unchecked Sendable {
    // Sendable although it changes: one thread trains.
    weak var captured: AnyObject?
    var wasReleased: Bool?
}

private final class Captured: Sendable {}

/// A layer that gives what it is given, and whose pullback captures an object.
private struct Watched: UnaryLayer {
    let watch: Watch

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let captured = Captured()
        watch.captured = captured
        return Forward(x) { outputGradient, _ in
            withExtendedLifetime(captured) { LayerGradients(input: outputGradient) }
        }
    }
}

/// Cross-entropy that writes down whether the object is gone.
private struct WatchingLoss: Loss {
    let watch: Watch
    let configuration = ["loss": "watching"]

    func evaluate(
        _ output: Tensor, _ targets: Targets, on kernels: any Kernels
    ) throws -> LossAndGradient {
        watch.wasReleased = watch.captured == nil
        return try SoftmaxCrossEntropy.standard.evaluate(output, targets, on: kernels)
    }
}

struct ReleasedPullbackTests {
    /// What a layer below the first trained one has kept for its gradient is gone before the
    /// loss is computed.
    @Test func whatNoGradientNeedsIsReleased() throws {
        func isReleased(trainable: [String]?) throws -> Bool {
            let watch = Watch()
            var network = try Network(
                inputShape: [3],
                layers: [
                    NamedLayer("below", Affine(inputSize: 3, outputSize: 3, seed: 1)),
                    NamedLayer("watched", Watched(watch: watch)),
                    NamedLayer("fc", Affine(inputSize: 3, outputSize: 2, seed: 2)),
                ])
            var updater = try Updater(SGD())
            updater.trainable = trainable
            try network.trainStep(
                on: Batch(images: Tensor(shape: [1, 3], repeating: 1), labels: [1]),
                with: &updater, loss: WatchingLoss(watch: watch))
            return try #require(watch.wasReleased as Bool?)
        }
        #expect(try isReleased(trainable: ["W2"]) == true)
        #expect(try isReleased(trainable: nil) == false)
    }
}
