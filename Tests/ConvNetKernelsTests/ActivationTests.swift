// SPDX-License-Identifier: MIT
//
// Every activation: the native kernels against the reference on each instruction set, the
// reference's gradient against its own differences, and the same bits on any number of threads.
// Whatever stands in `Activation.examples` is tried.

import ConvNetKernels
import ConvNetReference
import ConvNetTestSupport
import Testing

struct ActivationTests {
    /// Numbers around 0, where series take over from exponentials, far from it, and those
    /// that are none.
    private static func numbers() throws -> Tensor {
        var draw = Draw(seed: 21)
        var numbers = try draw.normal([4001]).scalars.map { 3 * $0 }
        let special: [Float] = [
            0, -0.0, 0.5, -0.5, 0.49999997, -0.49999997, 1, -1, 4, -4, 20, 20.000002, 1e-30, -1e-30,
            1e-20, 88, -88, 104, -104, 1000, -1000, 1.25, 3, -3, .leastNonzeroMagnitude,
        ]
        numbers += special
        return try Tensor(shape: [numbers.count], scalars: numbers)
    }

    /// Whether the function rounds no more than once, so that native and reference agree to that.
    private static func isExact(_ activation: Activation) -> Bool {
        switch activation {
        case .relu, .clip, .leakyReLU: true
        default: false
        }
    }

    @Test(arguments: Activation.examples, InstructionSet.supported)
    func nativeAgreesWithTheReference(_ activation: Activation, _ set: InstructionSet) throws {
        let kernels = try NativeKernels(threads: 2, instructionSet: set)
        let x = try Self.numbers()
        let exact = try x.converted(to: .float64)
        let (y, expected) = (
            try kernels.activation(x, activation),
            try ReferenceKernels().activation(exact, activation)
        )
        let tiny = Double(Float.leastNormalMagnitude)
        let roundings = Self.isExact(activation) ? 1.0 : 16
        let values = Comparison(
            y, expected,
            bounds: zip(exact.doubles, expected.doubles).map {
                roundings * unitRoundoff * (Self.isExact(activation) ? abs($1) : abs($0) + abs($1))
                    + tiny
            })
        #expect(values.isWithinBounds, "\(activation), \(set): \(values)")

        var draw = Draw(seed: 22)
        let dy = try draw.normal(x.shape)
        let value = activation.gradientTakesOutput ? y : x
        let gradient = try kernels.activationGradient(dy, from: value, activation)
        let expectedGradient = try ReferenceKernels().activationGradient(
            dy.converted(to: .float64), from: value.converted(to: .float64), activation)
        let gradients = Comparison(
            gradient, expectedGradient,
            bounds: zip(dy.doubles, value.doubles).map {
                (Self.isExact(activation) ? 1 : 64) * unitRoundoff * abs($0)
                    * (Self.isExact(activation) ? 1 : 1 + abs($1)) + tiny
            })
        #expect(gradients.isWithinBounds, "\(activation), \(set): \(gradients)")
    }

    @Test(arguments: Activation.examples, InstructionSet.supported)
    func notANumberStaysOne(_ activation: Activation, _ set: InstructionSet) throws {
        let kernels = try NativeKernels(threads: 1, instructionSet: set)
        for count in [1, 17, 40] {
            let x = try Tensor(shape: [count], repeating: .nan)
            #expect(try kernels.activation(x, activation).scalars.allSatisfy(\.isNaN))
            #expect(activation.value(.nan).isNaN)
            // A gradient that is none is not hidden either, where the slope is not 0.
            let one = try Tensor(shape: [count], repeating: 0.25)
            let gradient = try kernels.activationGradient(x, from: one, activation)
            #expect(!gradient.scalars.contains { !$0.isNaN }, "\(activation)")
        }
    }

    /// The slope by central differences, in `Double`, where the function has one.
    @Test(arguments: Activation.examples)
    func theReferencesGradientIsTheSlope(_ activation: Activation) {
        for place in -60...60 {
            let x = Double(place) / 10 + 0.037
            let step = 1e-5
            let slope = (activation.value(x + step) - activation.value(x - step)) / (2 * step)
            let v = activation.gradientTakesOutput ? activation.value(x) : x
            // h²/6 times a third derivative below 4, and rounding over the step.
            #expect(
                abs(activation.gradient(1, v) - slope) <= 1e-10 + 16 * 0x1p-53 / step,
                "\(activation) at \(x)")
        }
    }

    @Test(arguments: Activation.examples)
    func threadsAndPlacesChangeNoBit(_ activation: Activation) throws {
        var draw = Draw(seed: 23)
        let x = try draw.normal([70_001])
        let one = try NativeKernels(threads: 1)
        let (y, dx) = (
            try one.activation(x, activation), try one.activationGradient(x, from: x, activation)
        )
        for threads in [2, 3, 16] {
            let kernels = try NativeKernels(threads: threads)
            #expect(try kernels.activation(x, activation).hasSameBits(as: y))
            #expect(try kernels.activationGradient(x, from: x, activation).hasSameBits(as: dx))
        }
        // What a number becomes does not depend on its neighbours.
        for begin in [1, 7, 33] {
            let part = try Tensor(shape: [100], scalars: Array(x.scalars[begin..<begin + 100]))
            #expect(
                try one.activation(part, activation).scalars
                    == Array(y.scalars[begin..<begin + 100]))
        }
    }

    @Test func namesAndParametersSayEverything() throws {
        let examples = Activation.examples
        #expect(Set(examples.map(\.name)).count == examples.count)
        for activation in examples {
            #expect(activation.with(activation.parameters.map(\.value)) == activation)
            #expect(
                activation.with(activation.parameters.map { $0.value + 1 }).parameters.map(\.value)
                    == activation.parameters.map { $0.value + 1 })
        }
        #expect(Activation.relu6.value(7) == 6 && Activation.relu6.value(-1) == 0)
    }

    @Test func wrongParametersAreRefused() throws {
        let x = try Tensor(zeros: [2])
        func expect(_ message: String, _ activation: Activation) {
            for kernels in [NativeKernels(), ReferenceKernels()] as [any Kernels] {
                let error = #expect(throws: TensorError.self) {
                    try kernels.activation(x, activation)
                }
                #expect(error?.description == message)
            }
        }
        expect("clip: from is 2.0, expected at most 1.0, the value of to", .clip(from: 2, to: 1))
        expect(
            "clip: to is nan, expected a finite number that Float can hold",
            .clip(from: 0, to: .nan))
        expect(
            "elu: alpha is 1e+300, expected a finite number that Float can hold",
            .elu(alpha: 1e300))
        for kernels in [NativeKernels(), ReferenceKernels()] as [any Kernels] {
            let error = #expect(throws: TensorError.self) {
                try kernels.activationGradient(x, from: Tensor(zeros: [3]), .silu)
            }
            #expect(error?.description == "siluGradient: x is [3], expected [2]")
        }
    }
}
