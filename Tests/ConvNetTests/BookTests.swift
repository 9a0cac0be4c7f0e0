// SPDX-License-Identifier: MIT
//
// The book's own network on the real digits. Both lie outside the repository: the environment names
// their places, and without it these tests are skipped.

import ConvNet
import ConvNetData
import ConvNetReference
import Foundation
import Testing

private let environment = ProcessInfo.processInfo.environment

@Suite(
    .enabled(
        if: environment["MNIST_DIR"] != nil && environment["BOOK_PARAMETERS"] != nil,
        "set MNIST_DIR and BOOK_PARAMETERS"))
struct BookTests {
    static func testSet() throws -> LabeledImages {
        let folder = try #require(environment["MNIST_DIR"])
        return try MNIST.load(from: URL(fileURLWithPath: folder), .test)
    }

    static func bookNetwork(on kernels: any Kernels) throws -> SimpleConvNet {
        var network = try SimpleConvNet(seed: 0, kernels: kernels)
        let file = try #require(environment["BOOK_PARAMETERS"])
        try network.loadParameters(from: URL(fileURLWithPath: file))
        return network
    }

    /// 9,890 is what the book's Python gives with the same parameters on the same images.
    @Test(arguments: InstructionSet.supported)
    func theBooksParametersSortAsManyDigitsAsInTheBook(_ set: InstructionSet) throws {
        let network = try Self.bookNetwork(on: NativeKernels(instructionSet: set))
        let accuracy = try network.accuracy(Self.testSet())
        #expect(accuracy.correct == 9890)
        #expect(accuracy.total == 10000)
        // A batch size that does not divide the samples counts every one too.
        let odd = try network.accuracy(Self.testSet().prefix(1001), batchSize: 64)
        #expect(odd.total == 1001)
    }

    @Test func bothImplementationsGiveTheSameLogits() throws {
        let images = try Self.testSet().batch(at: Array(0..<20)).images
        let native = try Self.bookNetwork(on: NativeKernels()).predict(images)
        let reference = try Self.bookNetwork(on: ReferenceKernels()).predict(images)
        #expect(try native.argmaxOfRows() == reference.argmaxOfRows())
        // Three layers of sums, the longest of 4,320 terms; measured errors are a
        // hundredth of this.
        for (one, other) in zip(native.doubles, reference.doubles) {
            #expect(abs(one - other) <= 1e-3)
        }
    }
}
