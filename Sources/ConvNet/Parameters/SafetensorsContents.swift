// SPDX-License-Identifier: MIT
//
// What a safetensors file holds, tensor by tensor. A file of another program has numbers of types
// that this package does not compute with; they are an error only when they are asked for.

extension Safetensors {
    /// What a file holds.
    public struct Contents: Sendable {
        /// All tensors, whatever their type, in order of their names.
        public let entries: [Entry]
        /// The free texts beside them, `__metadata__` in the format; empty where there are none.
        public let metadata: [String: String]

        /// The tensors of floating-point numbers that can be read, in order of their names: F32 and
        /// F64 as they are, F16 and BF16 as `float32`, which holds each of their numbers exactly.
        /// Those of whole numbers and of other types are among ``entries`` alone.
        public var tensors: [NamedTensor] {
            entries.compactMap { entry in
                guard case .numbers(let tensor) = entry.value else { return nil }
                return (entry.name, tensor)
            }
        }

        /// The tensor of a name.
        ///
        /// - Throws: ``FileError`` when there is none.
        public func entry(_ name: String) throws(FileError) -> Entry {
            guard let entry = entries.first(where: { $0.name == name }) else {
                throw FileError(
                    file: file,
                    problem: "\(name) is missing, expected one of "
                        + ParameterMatch.list(entries.map(\.name)))
            }
            return entry
        }

        let file: String

        /// The types of the tensors that ``tensors`` leaves out, by name.
        var unreadTypes: [String: String] {
            var types: [String: String] = [:]
            for entry in entries {
                if case .numbers = entry.value { continue }
                types[entry.name] = entry.type
            }
            return types
        }
    }

    /// One tensor of a file.
    public struct Entry: Sendable {
        /// What the file calls it.
        public let name: String
        /// The type of its numbers as the format calls it, such as `F32`, `BF16`, `I64` or `BOOL`.
        public let type: String
        /// The extent of each axis, outermost first.
        public let shape: [Int]

        let value: Value
        let file: String

        enum Value: Sendable {
            case numbers(Tensor)
            case integers(IntegerTensor)
            /// Of another type, or without a single number.
            case unread
        }

        /// The floating-point numbers: F32 and F64 as they are, F16 and BF16 as `float32`, exactly.
        ///
        /// - Throws: ``FileError`` when they are of another type, or there are none.
        public func tensor() throws(FileError) -> Tensor {
            guard case .numbers(let tensor) = value else { throw refusal(FloatType.names) }
            return tensor
        }

        /// The whole numbers or truth values.
        ///
        /// - Throws: ``FileError`` when they are of another type, or there are none.
        public func integers() throws(FileError) -> IntegerTensor {
            guard case .integers(let integers) = value else {
                throw refusal(IntegerTensor.NumberType.allCases.map(\.rawValue))
            }
            return integers
        }

        private func refusal(_ types: [String]) -> FileError {
            let problem =
                types.contains(type)
                ? "\(name) has shape \(shape), expected extents from 1 to \(Shape.largestExtent)"
                : "\(name) has type \(type), expected one of \(types.joined(separator: ", "))"
            return FileError(file: file, problem: problem)
        }
    }

    /// The types of floating-point numbers that are read.
    enum FloatType: String, CaseIterable {
        case float16 = "F16"
        case bfloat16 = "BF16"
        case float32 = "F32"
        case float64 = "F64"

        static let names = allCases.map(\.rawValue)

        var byteCount: Int {
            switch self {
            case .float16, .bfloat16: 2
            case .float32: 4
            case .float64: 8
            }
        }

        /// A tensor of these numbers; `fill` writes their bytes as the file has them.
        func tensor(
            _ shape: [Int], operation: String,
            fill: (UnsafeMutableRawBufferPointer) throws -> Void
        ) throws -> Tensor {
            var tensor = try Tensor(
                uninitialized: shape, scalarType: self == .float64 ? .float64 : .float32,
                operation: operation)
            if self == .float64 {
                try tensor.withUnsafeMutableScalars(of: Double.self) {
                    try fill(UnsafeMutableRawBufferPointer($0))
                }
                return tensor
            }
            try tensor.withUnsafeMutableScalars(of: Float.self) { numbers in
                guard byteCount == 2 else {
                    return try fill(UnsafeMutableRawBufferPointer(numbers))
                }
                // Into the second half, from where they are widened one by one: number i comes to
                // lie where those up to i + 1 of the file end at the latest.
                let all = UnsafeMutableRawBufferPointer(numbers)
                let half = UnsafeMutableRawBufferPointer(rebasing: all[(all.count / 2)...])
                try fill(half)
                for place in numbers.indices {
                    let bits = UInt16(
                        littleEndian: half.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self)
                    )
                    numbers[place] = self == .bfloat16 ? Float(bfloat16: bits) : Float(half: bits)
                }
            }
            return tensor
        }
    }
}

extension Float {
    /// The number that the upper half of a `Float`'s bits stands for.
    fileprivate init(bfloat16 bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }

    /// The number of IEEE 754 binary16 bits. Swift's `Float16` is not there on every machine.
    fileprivate init(half bits: UInt16) {
        let (sign, exponent) = (UInt32(bits & 0x8000) << 16, UInt32(bits >> 10 & 0x1F))
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            // Subnormal: a multiple of 2⁻²⁴, normal as a `Float`.
            let size = Float(fraction) * 0x1p-24
            self = sign == 0 ? size : -size
        case 0x1F: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
