// SPDX-License-Identifier: MIT
//
// Inputs for cases, and the parts of them that the reference works on.

import ConvNet

enum Inputs {
    /// Numbers from -1 to 1. A pattern of prime length is repeated: drawing every one of a hundred
    /// million numbers would take longer than what is measured.
    static func tensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var generator = Philox(seed: seed)
        let pattern = (0..<4093).map { _ in Float(generator.nextUniform() * 2 - 1) }
        var tensor = try Tensor(uninitialized: shape, operation: "Inputs")
        tensor.withUnsafeMutableScalars(of: Float.self) { scalars in
            var place = 0
            while place < scalars.count {
                let count = min(pattern.count, scalars.count - place)
                let rest = UnsafeMutableBufferPointer(rebasing: scalars[place..<place + count])
                _ = rest.update(fromContentsOf: pattern[..<count])
                place += count
            }
        }
        return tensor
    }

    /// So many places of `count`, evenly spread, the first and the last among them.
    static func spread(_ wanted: Int, of count: Int) -> [Int] {
        let wanted = min(max(wanted, 2), count)
        guard wanted > 1 else { return [0] }
        return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
    }
}

extension Tensor {
    /// The slices at some places of the second axis: of images some channels.
    func channels(at places: [Int]) throws -> Tensor {
        let plane = count / (shape[0] * shape[1])
        let rows = try reshaped(to: [shape[0] * shape[1], plane])
        let indices = (0..<shape[0]).flatMap { n in places.map { n * shape[1] + $0 } }
        return try rows.samples(at: indices).reshaped(
            to: [shape[0], places.count] + shape.dropFirst(2))
    }

    /// The absolute value of each number, in `float64`.
    func magnitudes() throws -> Tensor { try Tensor(shape: shape, doubles: doubles.map(abs)) }
}
