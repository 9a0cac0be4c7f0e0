// SPDX-License-Identifier: MIT
//
// Batch normalizations that use their running statistics in training, against PyTorch's.

import ConvNetTestSupport
import Testing

@testable import ConvNet

struct FrozenNormalizationFixtureTests {
    /// Against PyTorch's in evaluation mode with gradients; the bounds are those that
    /// `NativeKernels` documents.
    @Test(arguments: try LayerFixture.load().frozen, try LayerFixtureTests.Setup.all())
    func itAgreesWithPyTorch(_ wanted: LayerFixture.Case, _ setup: LayerFixtureTests.Setup) throws {
        let layer = try #require(wanted.layer(setup.type) as? BatchNormalization)
        let step = wanted.steps[0]
        let (x, dy) = (try step.inputs[0].tensor(), try step.outputGradient.tensor())
        let forward = try layer.forward(
            x.converted(to: setup.type),
            in: Pass(kernels: setup.kernels, usesRunningStatistics: true))
        #expect(forward.buffers == nil)
        let gradients = try forward.pullback(dy.converted(to: setup.type))
        func numbers(_ key: String) throws -> [Double] {
            try #require(wanted.tensors[key]).numbers
        }
        let (gamma, beta) = (try numbers("gamma"), try numbers("beta"))
        let (mean, variance) = (try numbers("mean"), try numbers("variance"))
        let channels = gamma.count, plane = x.count / x.shape[0] / channels
        var terms = [[Double]](repeating: [], count: 2)
        var sums = [[Double]](repeating: Array(repeating: 0, count: channels), count: 2)
        for (place, (number, slope)) in zip(x.doubles, dy.doubles).enumerated() {
            let channel = place / plane % channels
            let inverse = 1 / (variance[channel] + layer.epsilon).squareRoot()
            let z = (abs(number) + abs(mean[channel])) * inverse
            terms[0].append(z * abs(gamma[channel]) + abs(beta[channel]))
            terms[1].append(abs(slope * gamma[channel]) * inverse)
            sums[0][channel] += abs(slope) * z
            sums[1][channel] += abs(slope)
        }
        func compare(
            _ found: Tensor?, _ stored: LayerFixture.Stored?, _ magnitudes: [Double], _ what: String
        ) throws {
            let comparison = Comparison(
                try #require(found), try #require(stored).tensor(),
                bounds: setup.bounds(magnitudes, roundings: 12))
            #expect(comparison.isWithinBounds, "\(what): \(comparison)")
        }
        try compare(forward.output, step.output, terms[0], "output")
        try compare(gradients.input, step.inputGradients[0], terms[1], "input")
        try compare(gradients.parameters[0], step.gradients["gamma"], sums[0], "gamma")
        try compare(gradients.parameters[1], step.gradients["beta"], sums[1], "beta")
        // Nothing more is computed than what is asked for.
        let none = try forward.pullback(
            dy.converted(to: setup.type),
            wanted: WantedGradients(inputs: [false], parameters: false))
        #expect(none.input == nil && none.parameters.isEmpty)
    }
}
