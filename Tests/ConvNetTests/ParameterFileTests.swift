// SPDX-License-Identifier: MIT
//
// Saving and loading a network's parameters: all or nothing, the same bytes, clear errors.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

struct ParameterFileTests {
    private static func withFile<Result>(_ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryFolder { try body($0.appendingPathComponent("p.safetensors")) }
    }

    /// Writes the small network's parameters after a change and expects loading to fail without
    /// changing anything.
    private static func expectProblem(
        _ problem: String, after change: (inout [NamedTensor]) throws -> Void
    ) throws {
        try withFile { url in
            var tensors = try smallNetwork(seed: 1).parameters
            try change(&tensors)
            try Safetensors.encode(tensors).write(to: url)
            var network = try smallNetwork(seed: 2)
            let before = network.parameters.map(\.value)
            #expect(throws: FileError(file: url.path, problem: problem)) {
                try network.loadParameters(from: url)
            }
            #expect(network.parameters.map(\.value) == before)
        }
    }

    @Test func savingLoadingAndSavingGivesTheSameBytes() throws {
        try Self.withFile { url in
            let network = try smallNetwork(seed: 1)
            try network.saveParameters(to: url)
            let first = try Data(contentsOf: url)
            var other = try smallNetwork(seed: 2)
            try other.loadParameters(from: url)
            #expect(zip(other.parameters, network.parameters).allSatisfy { $0.value == $1.value })
            try other.saveParameters(to: url)
            #expect(try Data(contentsOf: url) == first)
            // What was written beside the file is gone.
            let folder = url.deletingLastPathComponent().path
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder) == ["p.safetensors"])
        }
    }

    @Test func numbersAreConvertedToTheNetworksType() throws {
        try Self.withFile { url in
            let network = try smallNetwork(seed: 1)
            var double = network
            double.network = try network.network.converted(
                to: .float64, kernels: ReferenceKernels())
            try double.saveParameters(to: url)
            var single = try smallNetwork(seed: 2)
            try single.loadParameters(from: url)
            #expect(single.parameters.map(\.value) == network.parameters.map(\.value))
            try network.saveParameters(to: url)
            try double.loadParameters(from: url)
            #expect(double.parameters.allSatisfy { $0.value.scalarType == .float64 })
        }
    }

    @Test func aWrongShapeIsNamedWithBothShapes() throws {
        try Self.expectProblem("W1 has shape [3, 1, 5, 5], expected [3, 1, 3, 3]") {
            $0[0].value = try Tensor(zeros: [3, 1, 5, 5])
        }
        // The last of all: those before it are not taken over either.
        try Self.expectProblem("b3 has shape [5], expected [4]") {
            $0[5].value = try Tensor(zeros: [5])
        }
        // As many numbers in another shape are not the same.
        try Self.expectProblem("W3 has shape [4, 5], expected [5, 4]") {
            $0[4].value = try $0[4].value.reshaped(to: [4, 5])
        }
    }

    @Test func missingAndExtraTensorsAreNamed() throws {
        try Self.expectProblem("b2 is missing, expected shape [5]") { $0.remove(at: 3) }
        try Self.expectProblem("W4 is unexpected, expected only W1, b1, W2, b2, W3, b3") {
            $0.append(("W4", try Tensor(zeros: [1])))
        }
    }

    @Test func filesThatCannotBeReadOrWrittenAreNamed() throws {
        try withTemporaryFolder { folder in
            var network = try smallNetwork()
            let missing = folder.appendingPathComponent("no-folder/p.safetensors")
            for action in ["can't be read", "can't be written"] {
                let error = #expect(throws: FileError.self) {
                    if action == "can't be read" {
                        try network.loadParameters(from: missing)
                    } else {
                        try network.saveParameters(to: missing)
                    }
                }
                let text = try #require(error).description
                #expect(text.hasPrefix("\(missing.path): \(action): "))
                #expect(!text.contains("\n"))
            }
            #expect(throws: FileError.self) { try network.loadParameters(from: folder) }
            // A folder stands where the file should go: nothing is left beside it.
            #expect(throws: FileError.self) { try network.saveParameters(to: folder) }
            let parent = folder.deletingLastPathComponent().path
            let left = try FileManager.default.contentsOfDirectory(atPath: parent)
            #expect(!left.contains { $0.hasPrefix(folder.lastPathComponent + ".") })
        }
    }

    @Test func anEarlierFileIsReplacedWhole() throws {
        try Self.withFile { url in
            try Data(repeating: 7, count: 1 << 20).write(to: url)
            try smallNetwork().saveParameters(to: url)
            var network = try smallNetwork(seed: 2)
            try network.loadParameters(from: url)
        }
    }
}
