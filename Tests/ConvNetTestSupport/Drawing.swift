// SPDX-License-Identifier: MIT
//
// Drawing test cases from a seed: numbers, sizes, windows and tensors. A case is its seed, so a
// failure names the seed and can be drawn again.

public import ConvNetTensor

/// Draws cases from a seed.
public struct Draw {
    private var generator: Philox

    /// The drawer of one case.
    public init(seed: Int) { generator = Philox(seed: UInt64(seed), stream: 0x7E57) }

    /// A whole number in a range.
    public mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(generator.next() % UInt64(range.count))
    }

    /// One of some values.
    public mutating func pick<Value>(_ values: [Value]) -> Value {
        values[int(0...values.count - 1)]
    }

    /// True once in so many times.
    public mutating func oneIn(_ times: Int) -> Bool { int(1...times) == 1 }

    /// Numbers from the standard normal distribution.
    public mutating func normal(_ shape: [Int]) throws -> Tensor {
        try Tensor(normal: shape, standardDeviation: 1, using: &generator)
    }

    /// Whole numbers from -4 to 4: their products and sums are exact in `Float`, in any order.
    public mutating func integers(_ shape: [Int]) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor(shape: shape, scalars: (0..<count).map { _ in Float(int(-4...4)) })
    }

    /// A window that fits images of some size, drawn with it. Sizes lean towards small and odd
    /// ones; now and then the image is wider than any vector. Small ones suit tests that cost a
    /// pass a pixel.
    public mutating func windowedShape(
        samples: ClosedRange<Int>, channels: Int, pooling: Bool = false, small: Bool = false
    ) throws -> (shape: [Int], window: Window) {
        while true {
            let size = PerAxis(
                height: int(1...5), width: oneIn(8) ? int(6...11) : int(1...5))
            let limit = PerAxis(
                height: pooling ? size.height / 2 : 4, width: pooling ? size.width / 2 : 4)
            let window = try Window(
                size: size,
                stride: PerAxis(height: pick([1, 1, 2, 3, 4]), width: pick([1, 1, 2, 3, 4])),
                padding: Padding(
                    top: int(0...limit.height), bottom: int(0...limit.height),
                    left: int(0...limit.width), right: int(0...limit.width)),
                dilation: PerAxis(height: pick([1, 1, 2, 3]), width: pick([1, 1, 2, 3])),
                ceilMode: oneIn(4))
            let shape = [
                int(samples), channels, int(1...(small ? 6 : 17)),
                small ? int(1...7) : oneIn(4) ? int(33...71) : int(1...19),
            ]
            let checked = try? KernelChecks.windowed(
                inputShape: shape, window: window, operation: "draw")
            let pooled = try? KernelChecks.pooling(
                inputShape: shape, window: window, operation: "draw")
            if checked != nil, !pooling || pooled != nil { return (shape, window) }
        }
    }
}
