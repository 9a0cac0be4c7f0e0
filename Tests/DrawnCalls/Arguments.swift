// SPDX-License-Identifier: MIT
//
// Random arguments: mostly what a call takes, now and then what it can't. Strange ones are drawn
// often enough that every check is met, and valid ones are small, so that a call takes no time.

import ConvNet
import ConvNetReference
import Foundation

/// Draws the arguments of one call, the same for the same number of the call.
struct Arguments {
    private var generator: Philox
    /// Whether each argument is printed on standard error, for a single call.
    private let isLoud: Bool

    init(call number: Int, isLoud: Bool) {
        generator = Philox(seed: 1, stream: UInt64(number))
        self.isLoud = isLoud
    }

    /// Prints an argument where that is wanted.
    func tell<Value>(_ value: Value) -> Value {
        if isLoud { FileHandle.standardError.write(Data("    \(value)\n".utf8)) }
        return value
    }

    // MARK: Choices

    mutating func below(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }

    /// True once in so many times.
    mutating func once(in count: Int) -> Bool { below(count) == 0 }

    mutating func flag() -> Bool { tell(once(in: 2)) }

    mutating func pick<Value>(_ choices: [Value]) -> Value { choices[below(choices.count)] }

    mutating func list<Value>(
        upTo most: Int, of value: (inout Arguments) throws -> Value
    ) rethrows -> [Value] {
        try (0..<below(most + 1)).map { _ in try value(&self) }
    }

    // MARK: Numbers

    /// A number that no size is: 0, negative, or one whose products overflow.
    mutating func strange() -> Int {
        pick([
            0, 0, -1, -1, -2, -7, .min, .min + 1, .max, .max - 1, .max / 2, 1 << 62, 1 << 40,
            -(1 << 40), Int(Int32.max), Int(Int32.max) - 1, Int(Int32.max) + 1, Int(UInt32.max),
            1 << 30,
        ])
    }

    /// The usual number, and once in sixteen times a strange one.
    mutating func size(_ usual: Int) -> Int { tell(once(in: 16) ? strange() : usual) }

    /// A small size, and once in sixteen times a strange number.
    mutating func size() -> Int { size(small()) }

    /// From 1 to 9, seldom more.
    mutating func small() -> Int { once(in: 12) ? pick([13, 17, 31, 33, 64, 65]) : 1 + below(9) }

    /// Any whole number.
    mutating func integer() -> Int { tell(once(in: 3) ? strange() : below(20) - 3) }

    mutating func seed() -> UInt64 {
        tell(once(in: 3) ? pick([0, .max, 1 << 63]) : generator.next())
    }

    /// Any number.
    mutating func real() -> Double {
        tell(
            once(in: 2)
                ? pick([0, 0.5, 1, 0.1, 2, 1e-3, 0.9])
                : pick([
                    -0.0, -1, .nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude,
                    1e-30, 1e30,
                    .ulpOfOne, 1e15, 1.5, 180, 1e-8, Double(Int.max),
                ]))
    }

    /// The usual number, and once in eight times any other.
    mutating func real(_ usual: Double) -> Double { once(in: 8) ? real() : tell(usual) }

    // MARK: Shapes and tensors

    /// A shape of so many axes, each of them small.
    mutating func shape(_ axes: Int) -> [Int] { (0..<axes).map { _ in small() } }

    /// The shape, and once in eight times another one: an axis changed, too many or too few.
    mutating func almost(_ shape: [Int]) -> [Int] {
        guard once(in: 8) else { return tell(shape) }
        var other = shape
        switch below(4) {
        case 0: if !other.isEmpty { other.removeLast() }
        case 1: other.append(small())
        case 2: other.reverse()
        default: if !other.isEmpty { other[below(other.count)] = small() }
        }
        return tell(other)
    }

    /// The shape, often with a strange number in it.
    mutating func strange(_ shape: [Int]) -> [Int] {
        var other = almost(shape)
        if once(in: 3), !other.isEmpty { other[below(other.count)] = strange() }
        if once(in: 12), !other.isEmpty { other[below(other.count)] = strange() }
        return tell(other)
    }

    /// A tensor of nearly that shape, seldom of `Double`, its numbers drawn or all the
    /// same special one.
    mutating func tensor(_ shape: [Int]) throws -> Tensor {
        let shape = almost(shape)
        let type: ScalarType = once(in: 16) ? .float64 : .float32
        if once(in: 6) { return try Tensor(shape: shape, repeating: real(), scalarType: type) }
        return try Tensor(normal: shape, standardDeviation: 1, using: &generator)
            .converted(to: tell(type))
    }

    /// A tensor of up to five axes.
    mutating func tensor() throws -> Tensor {
        let axes = below(6)
        return try tensor((0..<axes).map { _ in 1 + below(5) })
    }

    /// So many labels, nearly all of them right.
    mutating func labels(_ count: Int, classes: Int) -> [Int] {
        let wanted = once(in: 12) ? below(4) : max(0, min(count, 1000))
        return tell(
            (0..<wanted).map { _ in once(in: 40) ? strange() : below(max(1, min(classes, 1000))) })
    }

    // MARK: The library's values

    mutating func window() throws -> Window {
        if once(in: 2) {
            return try tell(
                Window(
                    size(1 + below(5)), stride: size(1 + below(3)), padding: size(below(3)),
                    dilation: size(1 + below(2)), ceilMode: flag()))
        }
        return try tell(
            Window(
                size: PerAxis(height: size(1 + below(5)), width: size(1 + below(5))),
                stride: PerAxis(height: size(1 + below(3)), width: size(1 + below(3))),
                padding: Padding(
                    top: size(below(3)), bottom: size(below(3)), left: size(below(3)),
                    right: size(below(3))),
                dilation: PerAxis(height: size(1 + below(2)), width: size(1 + below(2))),
                ceilMode: flag()))
    }

    /// Kernels of any instruction set here, or the reference.
    mutating func kernels() throws -> any Kernels {
        guard !once(in: 4) else { return tell(ReferenceKernels()) }
        return try tell(
            NativeKernels(
                threads: 1 + below(2), instructionSet: pick(InstructionSet.supported),
                winograd: once(in: 2)))
    }

    mutating func initialization() -> Initialization {
        tell(pick([.he, .xavier, .standardDeviation(real(0.1))]))
    }

    mutating func text() -> String {
        tell(
            pick([
                "", "a", "W1", "\u{0}", "Ü\u{301}", "\"\\", "he", "norm:1", "shift:1", "rotate",
                "sgd", "adam", "value:nan", "crop:2,flip", ":", "1e400", "-1",
                String(repeating: "long ", count: 50),
            ]))
    }

    /// Bytes with some of them changed, cut off or added.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<below(4) where !bytes.isEmpty {
            bytes[below(bytes.count)] = pick([0, 1, 0x7F, 0x80, 0xFF, 0x30, 0x22])
        }
        switch below(6) {
        case 0: bytes.removeLast(min(bytes.count, 1 + below(9)))
        case 1: bytes.append(0)
        default: break
        }
        return tell(bytes)
    }
}
