// SPDX-License-Identifier: MIT
//
// Tensors as values: shapes, copies, parts, and the words of their errors.

import ConvNetTensor
import Testing

@Suite struct TensorTests {
    @Test func aTensorHoldsItsNumbersInRowMajorOrder() throws {
        let x = try Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])
        #expect(x.count == 6)
        #expect(x.scalarType == .float32)
        #expect(try x[1, 0] == 4)
        #expect(try x[0, 2] == 3)
        #expect(x.scalars == [1, 2, 3, 4, 5, 6])
    }

    @Test func aCopyDoesNotChangeWithTheOriginal() throws {
        var x = try Tensor(shape: [3], scalars: [1, 2, 3])
        let copy = x
        let reshaped = try x.reshaped(to: [3, 1])
        try x.makeUnique(operation: "test")
        x.withUnsafeMutableScalars(of: Float.self) { $0[1] = 9 }
        #expect(x.scalars == [1, 9, 3])
        #expect(copy.scalars == [1, 2, 3])
        #expect(reshaped.scalars == [1, 2, 3])
    }

    @Test func aTensorHeldAloneIsWrittenWhereItLies() throws {
        var x = try Tensor(zeros: [1000])
        let before = x.withUnsafeScalars(of: Float.self) { UInt(bitPattern: $0.baseAddress) }
        try x.makeUnique(operation: "test")
        x.withUnsafeMutableScalars(of: Float.self) { $0[0] = 1 }
        let after = x.withUnsafeScalars(of: Float.self) { UInt(bitPattern: $0.baseAddress) }
        #expect(before == after)
    }

    @Test(arguments: [1, 63, 64, 65, 1000, 300_000, 3_000_000])
    func storageIsAligned(_ count: Int) throws {
        let address = try Tensor(zeros: [count]).withUnsafeScalars(of: Float.self) {
            UInt(bitPattern: $0.baseAddress)
        }
        #expect(address % 64 == 0)
    }

    @Test func reshapingKeepsTheNumbers() throws {
        let x = try Tensor(shape: [2, 6], scalars: (0..<12).map(Float.init))
        #expect(try x.reshaped(to: [3, 4])[2, 3] == 11)
        #expect(try x.reshaped(to: [-1, 4]).shape == [3, 4])
        #expect(try x.reshaped(to: [12, -1]).shape == [12, 1])
    }

    static let wrongReshapes: [([Int], String)] = [
        ([5, 2], "reshaped: newShape is [5, 2], expected a shape of 12 numbers, as [2, 6]"),
        ([-1, 5], "reshaped: newShape is [-1, 5], expected a shape of 12 numbers, as [2, 6]"),
        (
            [-1, -1],
            "reshaped: newShape is [1, -1], expected extents from 1 to 2147483647 and a size that "
                + "fits in memory"
        ),
    ]

    @Test(arguments: wrongReshapes)
    func wrongReshapesAreNamed(_ shape: [Int], _ message: String) throws {
        let x = try Tensor(zeros: [2, 6])
        let error = #expect(throws: TensorError.self) { try x.reshaped(to: shape) }
        #expect(error?.description == message)
    }

    @Test func wrongCountsAreNamed() {
        let error = #expect(throws: TensorError.self) {
            try Tensor(shape: [2, 2], scalars: [1, 2, 3])
        }
        #expect(error?.description == "Tensor: scalars.count is 3, expected 4 for shape [2, 2]")
    }

    @Test(arguments: [
        [0], [2, 0, 3], [-1, 4], [Int.max], [1 << 31], [1 << 30, 1 << 30, 1 << 30],
        [2_147_483_647, 2_147_483_647, 2],
    ])
    func impossibleShapesAreRefused(_ shape: [Int]) {
        #expect(throws: TensorError.self) { try Tensor(zeros: shape) }
        #expect(throws: TensorError.self) { try Tensor(shape: shape, scalars: []) }
    }

    /// 2⁶⁰ numbers pass the arithmetic but not the system.
    @Test func moreMemoryThanThereIsIsRefused() {
        let shape = [1 << 29, 1 << 29]
        #expect(throws: TensorError.self) {
            try Tensor(uninitialized: shape, operation: "test")
        }
    }

    @Test(arguments: [[0, 3], [2, 0], [-1, 0], [0], [0, 0, 0]])
    func indicesOutsideAreNamed(_ indices: [Int]) throws {
        let x = try Tensor(zeros: [2, 3])
        #expect(throws: TensorError.self) {
            switch indices.count {
            case 1: try x[indices[0]]
            case 2: try x[indices[0], indices[1]]
            default: try x[indices[0], indices[1], indices[2]]
            }
        }
    }

    @Test func samplesAreCopiedInOrder() throws {
        let x = try Tensor(shape: [3, 2], scalars: [0, 1, 2, 3, 4, 5])
        #expect(try x.samples(at: [2, 0, 2]).scalars == [4, 5, 0, 1, 4, 5])
        #expect(try x.samples(1..<3).scalars == [2, 3, 4, 5])
        for wrong in [[], [3], [-1]] {
            #expect(throws: TensorError.self) { try x.samples(at: wrong) }
        }
        #expect(throws: TensorError.self) { try x.samples(2..<4) }
        #expect(throws: TensorError.self) { try x.samples(-1..<2) }
    }

    @Test func theFirstLargestOfARowWins() throws {
        let x = try Tensor(
            shape: [4, 3], scalars: [1, 3, 3, -1, -2, -3, 5, .nan, 7, -.infinity, -.infinity, 0])
        #expect(try x.argmaxOfRows() == [1, 0, 1, 2])
    }

    @Test func numberTypesConvert() throws {
        let x = try Tensor(shape: [2], doubles: [0.1, 1e300])
        #expect(x.scalarType == .float64)
        let single = try x.converted(to: .float32)
        #expect(single.scalars == [0.1, .infinity])
        #expect(try single.converted(to: .float64).doubles[0] == Double(Float(0.1)))
        #expect(try x != x.converted(to: .float32))
    }

    @Test func nanIsNotEqual() throws {
        let x = try Tensor(shape: [1], scalars: [.nan])
        #expect(x != x)
    }
}
