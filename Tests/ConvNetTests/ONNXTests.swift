// SPDX-License-Identifier: MIT
//
// ONNX files byte by byte, and, where the environment names a Python that has onnx and onnxruntime,
// checked and run by them.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct ProtobufTests {
    private static func bytes(_ body: (inout ProtobufMessage) throws -> Void) rethrows -> [UInt8] {
        var message = ProtobufMessage()
        try body(&message)
        let encoded = Array(message.encoded())
        #expect(encoded.count == message.byteCount)
        return encoded
    }

    /// 150 in field 1 is the example of the format's documentation.
    @Test func integersAreVarints() {
        #expect(Self.bytes { $0.add(1, 150) } == [0x08, 0x96, 0x01])
        #expect(Self.bytes { $0.add(1, 0) } == [0x08, 0x00])
        #expect(Self.bytes { $0.add(1, 127) } == [0x08, 0x7F])
        #expect(Self.bytes { $0.add(1, 128) } == [0x08, 0x80, 0x01])
        #expect(
            Self.bytes { $0.add(1, -1) }
                == [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
        #expect(
            Self.bytes { $0.add(1, Int.max) }
                == [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        // From field 16 on the key takes two bytes: 20 · 8 = 160.
        #expect(Self.bytes { $0.add(20, 1) } == [0xA0, 0x01, 0x01])
    }

    @Test func textsNumbersAndMessagesCarryTheirLength() throws {
        #expect(Self.bytes { $0.add(2, "testing") } == [0x12, 7] + Array("testing".utf8))
        #expect(Self.bytes { $0.add(2, "") } == [0x12, 0])
        #expect(Self.bytes { $0.add(2, "é") } == [0x12, 2, 0xC3, 0xA9])
        #expect(Self.bytes { $0.add(2, Float(1)) } == [0x15, 0, 0, 0x80, 0x3F])
        // Field 3 holds a message with 150 in field 1.
        #expect(
            Self.bytes {
                var inner = ProtobufMessage()
                inner.add(1, 150)
                $0.add(3, inner)
            } == [0x1A, 3, 0x08, 0x96, 0x01])
        let tensor = try Tensor(shape: [2], scalars: [1, -2])
        #expect(
            Self.bytes {
                var inner = ProtobufMessage()
                inner.add(9, numbersOf: tensor)
                inner.add(1, 5)
                $0.add(3, inner)
                $0.add(1, 6)
            } == [0x1A, 12, 0x4A, 8, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0x08, 5, 0x08, 6])
    }

    /// 300 bytes need a length of two bytes: 300 = 2 · 128 + 44.
    @Test func longMessagesHaveLongLengths() {
        let text = String(repeating: "a", count: 300)
        #expect(Self.bytes { $0.add(1, text) }.prefix(3) == [0x0A, 0xAC, 0x02])
    }
}

struct ONNXFileTests {
    /// The whole file of a network of one ReLU, by hand from onnx.proto.
    @Test func theBytesOfAFileAreTheFormats() throws {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            [number << 3 | 2, UInt8(bytes.count)] + bytes
        }
        func text(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
        // One axis called N and one of 3, of float32.
        let shape = field(1, text(2, "N")) + field(1, [0x08, 3])
        let type = field(2, field(1, [0x08, 1] + field(2, shape)))
        let node = text(1, "input") + text(2, "output") + text(3, "relu1") + text(4, "Relu")
        let graph =
            field(1, node) + text(2, "network") + field(11, text(1, "input") + type)
            + field(12, text(1, "output") + type)
        let expected =
            [0x08, 8] + text(2, "swift-convnet") + field(7, graph)
            + field(8, text(1, "") + [0x10, 17])
        let network = try Network(inputShape: [3], layers: [NamedLayer("relu1", ReLU())])
        #expect(Array(try network.onnxData(file: "f")) == expected)
    }

    @Test func theSameNetworkGivesTheSameBytesAndAWholeFile() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("n.onnx")
            let network = try smallNetwork()
            try network.exportONNX(to: url)
            let first = try Data(contentsOf: url)
            #expect(first == (try smallNetwork().onnxData(file: "f")))
            // Parameters stand in the file as they are.
            for (name, value) in network.parameters {
                let raw = value.scalars.withUnsafeBytes { Data($0) }
                #expect(first.range(of: raw) != nil, "\(name)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["n.onnx"])
            let missing = folder.appendingPathComponent("no-folder/n.onnx")
            #expect(throws: FileError.self) { try network.exportONNX(to: missing) }
        }
    }

    @Test func aLayerWithoutOperatorsIsNamed() throws {
        let network = try Network(inputShape: [3], layers: [NamedLayer("first", FirstLayer())])
        #expect(
            throws: TensorError(
                operation: "exportONNX", argument: "layer first", value: "FirstLayer",
                expected: "one of the package's own layers")
        ) { try network.onnxData(file: "f") }
    }

    /// Doubles are for checks: the file is the one of the network that it came from.
    @Test func aNetworkOfDoublesIsWrittenInFloats() throws {
        let network = try smallNetwork().network
        let double = try network.converted(to: .float64, kernels: network.kernels)
        #expect(try double.onnxData(file: "f") == network.onnxData(file: "f"))
    }
}

private let python = ProcessInfo.processInfo.environment["ONNX_PYTHON"]

@Suite(.enabled(if: python != nil, "ONNX_PYTHON is not set"))
struct ONNXRuntimeTests {
    /// Runs Tests/Fixtures/ONNX/run.py on a folder.
    private static func run(on folder: URL) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/ONNX/run.py")
        let run = try Subprocess.run(try #require(python), [script.path, folder.path])
        try #require(run.status == 0, "\(run)")
    }

    /// Writes a network and what run.py needs beside it.
    private static func write(_ one: DescribedNetwork, to folder: URL) throws {
        func write(_ text: String, as kind: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent("\(one.name).\(kind)"))
        }
        try one.network.exportONNX(to: folder.appendingPathComponent("\(one.name).onnx"))
        let graph = one.network.graph
        try write(
            (graph.inputs.map(\.name) + graph.outputs.map(\.name)).joined(separator: "\n"),
            as: "names")
        let shapes = one.inputs.map { $0.shape.map(String.init).joined(separator: " ") }
        try write(shapes.joined(separator: "\n"), as: "shapes")
        for (place, x) in one.inputs.enumerated() {
            try x.scalars.withUnsafeBytes { Data($0) }
                .write(to: folder.appendingPathComponent("\(one.name).input\(place)"))
        }
    }

    /// Exact layers give the same numbers. Otherwise ONNX Runtime's exponentials and orders of sums
    /// are its own: 10⁻⁴ of the largest logit is asked for.
    @Test func itGivesTheSameAnswers() throws {
        try withTemporaryFolder { folder in
            let cases = try describedNetworks()
            // Files go by name.
            try #require(Set(cases.map(\.name)).count == cases.count)
            for one in cases { try Self.write(one, to: folder) }
            try Self.run(on: folder)
            let outputs = try cases.flatMap { one in
                try one.predictions().enumerated().map { (one, $0, $1) }
            }
            for (one, place, expected) in outputs {
                let file = folder.appendingPathComponent("\(one.name).output\(place)")
                let raw = try Data(contentsOf: file)
                try #require(raw.count == 4 * expected.count, "\(one.name)")
                let numbers = raw.withUnsafeBytes { bytes in
                    (0..<expected.count).map {
                        bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                    }
                }
                let result = try Tensor(shape: expected.shape, scalars: numbers)
                let largest = expected.doubles.map(abs).max() ?? 0
                let bound = one.isExact ? 0 : 1e-4 * largest
                let comparison = Comparison(
                    result, expected, bounds: expected.doubles.map { _ in bound })
                #expect(comparison.isWithinBounds, "\(one.name) \(comparison)")
            }
        }
    }
}
