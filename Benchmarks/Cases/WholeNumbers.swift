// SPDX-License-Identifier: MIT
//
// Small whole numbers: Float adds and multiplies them without error, in any order, so that a result
// that should be exact and is not shows a fault of whatever size. No number is 0, so that no weight
// goes unseen.

import ConvNet

enum WholeNumbers {
    /// The sizes of weights, from 1 on.
    private static let weightSizes = 7

    /// Weights from 1 to 7 with drawn signs; next to one another along any axis lie different ones.
    static func weights(_ shape: [Int], seed: UInt64) throws -> Tensor {
        let steps = [1, 2, 3, 5]
        return try tensor(shape, seed: seed) { row, column, bits in
            var (rest, sum) = (row, column)
            for (extent, step) in zip(shape.dropLast().reversed(), steps.dropFirst()) {
                sum += rest % extent * step
                rest /= extent
            }
            let size = Float(1 + sum % weightSizes)
            return bits & 1 == 0 ? size : -size
        }
    }

    /// Inputs of a layer, 1 or 2.
    static func inputs(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try tensor(shape, seed: seed) { _, _, bits in Float(1 + bits >> 1 & 1) }
    }

    /// Gradients of a layer's output, 1 or 2 with drawn signs.
    static func gradients(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try tensor(shape, seed: seed) { _, _, bits in
            (bits & 1 == 0 ? 1 : -1) * Float(1 + bits >> 1 & 1)
        }
    }

    /// Biases, different from one to the next, that make each output positive, so that ReLU changes
    /// none: a sum of products of inputs and weights has the variance 2.5 · 20 times their number,
    /// and is not seven standard deviations from 0.
    static func biases(_ count: Int, terms: Int) throws -> Tensor {
        let least = (7 * (50 * Double(terms)).squareRoot()).rounded(.up)
        return try Tensor(
            shape: [count], scalars: (0..<count).map { Float(least) + Float($0 % 97) })
    }

    private static func tensor(
        _ shape: [Int], seed: UInt64,
        _ number: (_ row: Int, _ column: Int, _ bits: UInt64) -> Float
    ) throws -> Tensor {
        var tensor = try Tensor(uninitialized: shape, operation: "WholeNumbers")
        let columns = shape[shape.count - 1]
        tensor.withUnsafeMutableScalars(of: Float.self) { scalars in
            for row in 0..<scalars.count / columns {
                for column in 0..<columns {
                    let place = row * columns + column
                    scalars[place] = number(row, column, mixed(UInt64(place) &+ seed << 40))
                }
            }
        }
        return tensor
    }

    /// Sums over the members of each group, with a factor for each member: of
    /// `[outer, groups · members, inner]`, flat `[outer, groups, inner]`.
    ///
    /// Products and convolutions are linear, so that the sums of what they give for each member are
    /// what they give for the sums: all members are checked for the price of one. What is wrong in
    /// one of them changes the sum, unless faults in two cancel out, as one in a million pairs
    /// would (Freivalds, "Probabilistic machines can use less running time", 1977). Sums stay below
    /// 2⁵³.
    static func combined(_ tensor: Tensor, axis: Int, groups: Int) -> [Double] {
        let outer = tensor.shape[..<axis].reduce(1, *)
        let inner = tensor.shape[(axis + 1)...].reduce(1, *)
        let members = tensor.shape[axis] / groups
        let factors = (0..<members).map(factor)
        var sums = [Double](repeating: 0, count: outer * groups * inner)
        tensor.withUnsafeScalars(of: Float.self) { scalars in
            sums.withUnsafeMutableBufferPointer { sums in
                for plane in 0..<outer * groups * members {
                    let (factor, to) = (factors[plane % members], plane / members * inner)
                    for i in 0..<inner {
                        sums[to + i] += factor * Double(scalars[plane * inner + i])
                    }
                }
            }
        }
        return sums
    }

    /// From 1 to 2²⁰.
    static func factor(_ member: Int) -> Double {
        Double(1 + mixed(UInt64(member) &+ 1 << 60) >> 44)
    }

    /// SplitMix64's mixing of a counter (Steele, Lea and Flood, 2014).
    private static func mixed(_ counter: UInt64) -> UInt64 {
        var bits = counter &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
