// SPDX-License-Identifier: MIT
//
// Looking for NaN and infinity. Training looks through all parameters now and then, so the numbers are
// first looked at as bits, many at a time: the largest exponent of a run tells whether one is among them.

extension Tensor {
    /// The place of the first number that is NaN or infinite, in row-major order; nil where all are
    /// finite.
    package var firstNonFinite: Int? {
        switch scalarType {
        case .float32:
            withUnsafeScalars(of: Float.self) {
                Self.firstNonFinite($0) {
                    $0.bitPattern & 0x7FFF_FFFF
                } infinity: {
                    Float.infinity.bitPattern
                }
            }
        case .float64:
            withUnsafeScalars(of: Double.self) {
                Self.firstNonFinite($0) {
                    $0.bitPattern & 0x7FFF_FFFF_FFFF_FFFF
                } infinity: {
                    Double.infinity.bitPattern
                }
            }
        }
    }

    /// The index of each axis, outermost first, of a place in row-major order.
    package func indices(ofPlace place: Int) -> [Int] {
        var (indices, rest) = ([Int](), place)
        for extent in shape.reversed() {
            indices.append(rest % extent)
            rest /= extent
        }
        return indices.reversed()
    }

    /// - Parameters:
    ///   - size: a number's bits without its sign, which order finite numbers, infinity and NaN.
    ///   - infinity: those of infinity.
    @inline(__always)
    private static func firstNonFinite<Scalar: TensorScalar, Bits: FixedWidthInteger>(
        _ numbers: UnsafeBufferPointer<Scalar>, size: (Scalar) -> Bits, infinity: () -> Bits
    ) -> Int? {
        let (run, bound) = (4096, infinity())
        for start in stride(from: 0, to: numbers.count, by: run) {
            let places = start..<min(start + run, numbers.count)
            var largest: Bits = 0
            for place in places { largest = max(largest, size(numbers[place])) }
            if largest >= bound { return places.first { !numbers[$0].isFinite } }
        }
        return nil
    }
}
