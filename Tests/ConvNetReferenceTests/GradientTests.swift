// SPDX-License-Identifier: MIT
//
// Every gradient of the reference against central differences, in Double.

import ConvNetReference
import ConvNetTestSupport
import Testing

@Suite struct GradientTests {
    let kernels = ReferenceKernels()

    /// Compares an analytical gradient with differences of f(x) = ⟨g, operation(x)⟩.
    ///
    /// Rounding costs about |f|·2⁻⁵² / step and the curvature step²; with a step of 10⁻⁵ and
    /// numbers around 1 both stay below 10⁻⁸.
    func check(
        _ x: Tensor, gradient: Tensor, cotangent: Tensor,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ operation: (Tensor) throws -> Tensor
    ) throws {
        let step = 1e-5
        var numbers = x.doubles
        func value() throws -> Double {
            let y = try operation(Tensor(shape: x.shape, doubles: numbers))
            return zip(y.doubles, cotangent.doubles).reduce(0) { $0 + $1.0 * $1.1 }
        }
        for (index, analytical) in gradient.doubles.enumerated() {
            let original = numbers[index]
            numbers[index] = original + step
            let above = try value()
            numbers[index] = original - step
            let below = try value()
            numbers[index] = original
            let numerical = (above - below) / (2 * step)
            #expect(
                abs(numerical - analytical) <= 1e-7 * max(1, abs(analytical)),
                "element \(index)", sourceLocation: sourceLocation)
        }
    }

    /// Drawn numbers in Double.
    static func double(_ draw: inout Draw, _ shape: [Int]) throws -> Tensor {
        try draw.normal(shape).converted(to: .float64)
    }

    @Test(arguments: 0..<12)
    func convolution(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let groups = draw.pick([1, 2])
        let (shape, window) = try draw.windowedShape(
            samples: 1...2, channels: groups * 2, small: true)
        let x = try Self.double(&draw, shape)
        let weights = try Self.double(
            &draw, [groups * 2, 2, window.size.height, window.size.width])
        func output(_ x: Tensor, _ weights: Tensor) throws -> Tensor {
            try kernels.convolution(
                x, weights: weights, bias: nil, window: window, groups: groups)
        }
        let dy = try Self.double(&draw, output(x, weights).shape)
        let dx = try kernels.convolutionInputGradient(
            dy, weights: weights, inputShape: shape, window: window, groups: groups)
        try check(x, gradient: dx, cotangent: dy) { try output($0, weights) }
        let dw = try kernels.convolutionWeightGradient(
            dy, input: x, window: window, groups: groups)
        try check(weights, gradient: dw, cotangent: dy) { try output(x, $0) }
    }

    @Test(arguments: 0..<12)
    func columns(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(samples: 1...2, channels: 2, small: true)
        let x = try Self.double(&draw, shape)
        let columns = try kernels.im2col(x, window: window)
        let dy = try Self.double(&draw, columns.shape)
        let dx = try kernels.col2im(dy, inputShape: shape, window: window)
        try check(x, gradient: dx, cotangent: dy) { try kernels.im2col($0, window: window) }
    }

    @Test(arguments: 0..<12)
    func pooling(_ seed: Int) throws {
        var draw = Draw(seed: seed)
        let (shape, window) = try draw.windowedShape(
            samples: 1...2, channels: 2, pooling: true, small: true)
        let x = try Self.double(&draw, shape)
        let pooled = try kernels.maxPoolingWithArgmax(x, window: window)
        let dy = try Self.double(&draw, pooled.output.shape)
        let dx = try kernels.maxPoolingGradient(dy, argmax: pooled.argmax, inputShape: shape)
        try check(x, gradient: dx, cotangent: dy) { try kernels.maxPooling($0, window: window) }
        for countIncludePad in [true, false] {
            let spread = try kernels.averagePoolingGradient(
                dy, inputShape: shape, window: window, countIncludePad: countIncludePad)
            try check(x, gradient: spread, cotangent: dy) {
                try kernels.averagePooling(
                    $0, window: window, countIncludePad: countIncludePad)
            }
        }
    }

    @Test func activations() throws {
        var draw = Draw(seed: 1)
        let (x, dy) = (try Self.double(&draw, [5, 7]), try Self.double(&draw, [5, 7]))
        try check(
            x, gradient: kernels.reluGradient(dy, output: kernels.relu(x)), cotangent: dy
        ) { try kernels.relu($0) }
        try check(
            x, gradient: kernels.sigmoidGradient(dy, output: kernels.sigmoid(x)), cotangent: dy
        ) { try kernels.sigmoid($0) }
    }

    @Test func biasAndLoss() throws {
        var draw = Draw(seed: 2)
        let x = try Self.double(&draw, [3, 4, 2, 2])
        let (bias, dy) = (try Self.double(&draw, [4]), try Self.double(&draw, [3, 4, 2, 2]))
        try check(bias, gradient: kernels.biasGradient(dy), cotangent: dy) { bias in
            var result = x
            try kernels.addBias(bias, to: &result)
            return result
        }
        let logits = try Self.double(&draw, [4, 6])
        let one = try Tensor(shape: [1], doubles: [1])
        let labels = [0, 5, 2, 2]
        try check(
            logits, gradient: kernels.softmaxCrossEntropy(logits, labels: labels).gradient,
            cotangent: one
        ) {
            try Tensor(
                shape: [1], doubles: [kernels.softmaxCrossEntropy($0, labels: labels).loss])
        }
        // Targets that don't add up to 1 are allowed, and their gradient is right too.
        let targets = try Self.double(&draw, [4, 6])
        try check(
            logits, gradient: kernels.softmaxCrossEntropy(logits, targets: targets).gradient,
            cotangent: one
        ) {
            try Tensor(
                shape: [1], doubles: [kernels.softmaxCrossEntropy($0, targets: targets).loss])
        }
    }
}
