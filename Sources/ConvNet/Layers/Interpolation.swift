// SPDX-License-Identifier: MIT
//
// The taps of an interpolation along one axis, after PyTorch (aten/src/ATen/native/UpSample.h) and
// ONNX's Resize (https://onnx.ai/onnx/operators/onnx__Resize.html).

import Foundation

/// Where the numbers of an axis are read to make another of it.
struct Interpolation {
    let inputSize: Int
    let outputSize: Int
    /// Outputs per input, as a quotient: what it divides is exact where the result is.
    let scale: (over: Double, under: Double)
    let coordinates: Resize.Coordinates

    /// What each output is the sum of.
    func taps(_ mode: Resize.Mode, antialias: Bool) throws(TensorError) -> ResamplingTaps {
        try ResamplingTaps(inputSize: inputSize, outputSize: outputSize) { output in
            let position = position(of: output)
            switch mode {
            case .nearest: return nearest(to: position)
            case .bilinear:
                return antialias
                    ? wide(at: position, reach: 1) { 1 - $0 }
                    : narrow(at: position, 0...1) { 1 - $0 }
            case .bicubic:
                return antialias
                    ? wide(at: position, reach: 2) { Self.cubic($0, a: -0.5) }
                    : narrow(at: position, -1...2) { Self.cubic($0, a: -0.75) }
            }
        }
    }

    /// Where an output lies between the inputs, of which number k lies at k.
    private func position(of output: Int) -> Double {
        switch coordinates {
        case .halfPixel: (Double(output) + 0.5) * scale.under / scale.over - 0.5
        case .asymmetric: Double(output) * scale.under / scale.over
        case .alignCorners:
            outputSize == 1 ? 0 : Double(output * (inputSize - 1)) / Double(outputSize - 1)
        }
    }

    /// How many inputs an output takes the place of.
    private var inputsOfOne: Double {
        guard coordinates == .alignCorners else { return scale.under / scale.over }
        return outputSize == 1 ? 1 : Double(inputSize - 1) / Double(outputSize - 1)
    }

    /// The nearest input that there is.
    private func place(_ place: Double) -> Int {
        Int(min(max(place, 0), Double(inputSize - 1)))
    }

    private func nearest(to position: Double) -> [(place: Int, weight: Double)] {
        let isFloor = coordinates == .asymmetric
        return [(place((isFloor ? position : position + 0.5).rounded(.down)), 1)]
    }

    /// The inputs around a position, as many everywhere: beyond the ends those at the ends.
    private func narrow(
        at position: Double, _ steps: ClosedRange<Int>, _ weight: (_ distance: Double) -> Double
    ) -> [(place: Int, weight: Double)] {
        let lower = position.rounded(.down)
        return steps.map { step in
            let tap = lower + Double(step)
            return (place(tap), weight(abs(position - tap)))
        }
    }

    /// The inputs within reach of a position, which grows with the output's pixels; their weights
    /// add up to 1, also where some lie beyond the ends.
    private func wide(
        at position: Double, reach: Double, _ weight: (_ distance: Double) -> Double
    ) -> [(place: Int, weight: Double)] {
        let width = max(inputsOfOne, 1)
        let first = max(Int((position - reach * width + 1).rounded(.down)), 0)
        let end = min(Int((position + reach * width + 1).rounded(.down)), inputSize)
        let taps = (first..<max(end, first)).map { place in
            (place, weight(min(abs(Double(place) - position) / width, reach)))
        }
        let total = taps.reduce(0) { $0 + $1.1 }
        return taps.map { ($0.0, $0.1 / total) }
    }

    /// Keys' cubic of a distance from 0 to 2.
    private static func cubic(_ x: Double, a: Double) -> Double {
        x <= 1
            ? ((a + 2) * x - (a + 3)) * x * x + 1
            : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    }
}
