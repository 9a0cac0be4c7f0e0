// SPDX-License-Identifier: MIT
//
// ResamplingTaps: how the rows (or columns) of one image are made of those of another: a matrix
// that is mostly zeros, validated here, once. What makes the taps of an interpolation stands
// with its layer.

/// A linear map from the numbers along one axis to those along another: output `i` is the sum of
/// `weight · input[place]` over its taps, in their order, and 0 where it has none.
///
/// ```swift
/// // The means of neighbours: 4 numbers to 2.
/// let taps = try ResamplingTaps(
///     inputSize: 4, outputs: [[(0, 0.5), (1, 0.5)], [(2, 0.5), (3, 0.5)]])
/// ```
public struct ResamplingTaps: Sendable, Hashable {
    /// The largest extent along an axis that is resampled. It keeps the taps to some hundred
    /// megabytes where a network's file is not trusted, and is far beyond any image's.
    public static let largestExtent = 1 << 20

    /// The extent of the input along the axis.
    public private(set) var inputSize: Int
    /// The places that the taps read, output by output.
    package private(set) var places: [Int32] = []
    /// The weights beside them.
    package private(set) var weights: [Double] = []
    /// For each output the number of its first tap; behind them the number of all taps.
    package private(set) var firsts: [Int] = [0]

    /// The extent of the output along the axis.
    public var outputSize: Int { firsts.count - 1 }

    /// How many taps each output has, or 0 where they differ.
    package var tapsOfEach: Int {
        let each = firsts[1]
        return firsts.indices.allSatisfy { firsts[$0] == $0 * each } ? each : 0
    }

    /// A map from its taps.
    ///
    /// - Parameters:
    ///   - inputSize: the extent of the input along the axis.
    ///   - outputs: the taps of each output: the place that one reads, and its weight.
    /// - Throws: ``TensorError`` when an extent is not from 1 to ``largestExtent``, a place lies
    ///   outside the input, or a weight is not finite.
    public init(
        inputSize: Int, outputs: [[(place: Int, weight: Double)]]
    ) throws(TensorError) {
        try self.init(inputSize: inputSize, outputSize: outputs.count) { outputs[$0] }
    }

    /// A map from the taps of each output; the shorter way for a formula.
    ///
    /// - Throws: as ``init(inputSize:outputs:)``.
    package init(
        inputSize: Int, outputSize: Int, taps: (_ output: Int) -> [(place: Int, weight: Double)]
    ) throws(TensorError) {
        for (extent, argument) in [(inputSize, "inputSize"), (outputSize, "outputSize")] {
            guard (1...Self.largestExtent).contains(extent) else {
                throw TensorError(
                    operation: "ResamplingTaps", argument: argument, value: "\(extent)",
                    expected: "from 1 to \(Self.largestExtent)")
            }
        }
        self.inputSize = inputSize
        for output in 0..<outputSize {
            for (place, weight) in taps(output) {
                guard (0..<inputSize).contains(place), weight.isFinite else {
                    throw TensorError(
                        operation: "ResamplingTaps", argument: "outputs",
                        value: "\(weight) at place \(place)",
                        expected: "a finite weight at a place from 0 to \(inputSize - 1)")
                }
                places.append(Int32(place))
                weights.append(weight)
            }
            firsts.append(places.count)
        }
    }

    /// The map that leaves everything as it is.
    ///
    /// - Throws: ``TensorError`` when the size is not from 1 to ``largestExtent``.
    public init(identity size: Int) throws(TensorError) {
        try self.init(inputSize: size, outputSize: size) { [($0, 1)] }
    }

    /// The transposed map, by which gradients go back: from outputs to inputs. The taps of each of
    /// its outputs stand in the order of the places that they read.
    public var transposed: ResamplingTaps {
        var result = self
        result.inputSize = outputSize
        result.firsts = [Int](repeating: 0, count: inputSize + 1)
        for place in places { result.firsts[Int(place) + 1] += 1 }
        for input in 0..<inputSize { result.firsts[input + 1] += result.firsts[input] }
        var next = result.firsts
        for output in 0..<outputSize {
            for tap in firsts[output]..<firsts[output + 1] {
                let input = Int(places[tap])
                result.places[next[input]] = Int32(output)
                result.weights[next[input]] = weights[tap]
                next[input] += 1
            }
        }
        return result
    }

    /// The whole matrix, `[outputSize, inputSize]`; the weights of taps that read the same
    /// place are added.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    package func matrix() throws(TensorError) -> Tensor {
        var matrix = try Tensor(zeros: [outputSize, inputSize], scalarType: .float64)
        matrix.withUnsafeMutableScalars(of: Double.self) { numbers in
            for output in 0..<outputSize {
                for tap in firsts[output]..<firsts[output + 1] {
                    numbers[output * inputSize + Int(places[tap])] += weights[tap]
                }
            }
        }
        return matrix
    }
}
