// SPDX-License-Identifier: MIT
//
// Reading ONNX files: what is there is found, and what is broken is refused in one line.

import ConvNetSupport
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// Small models as bytes.
enum SmallModels {
    /// A convolution, a normalization and a classifier, as this package writes them.
    static func convolution() throws -> [UInt8] {
        let network = try Network(inputShape: [2, 5, 4]) { graph, x in
            var y = try graph.add(
                Convolution(inputChannels: 2, outputChannels: 3, kernel: 3, padding: 1, seed: 1), x)
            y = try graph.add(ReLU(), graph.add(BatchNormalization(channels: 3), y))
            y = try graph.add(GlobalAveragePooling(), y)
            return try graph.add(Affine(inputSize: 3, outputSize: 2, seed: 2), y)
        }
        return Array(try network.onnxData(file: "f"))
    }

    /// Constants, shapes and a resize.
    static func shapes() throws -> [UInt8] {
        let network = try Network(inputShape: [4, 3, 2]) { graph, x in
            var y = try graph.add(Resize(scales: (2, 2), mode: .nearest), x)
            y = try graph.add(Slice(axis: 1, from: 1, to: 3), y)
            y = try graph.add(Transpose([0, 2, 3, 1]), y)
            return try graph.add(Flatten(), y)
        }
        return Array(try network.onnxData(file: "f"))
    }

    /// Integers that are computed when the model is loaded: `x` in the shape `[2·3, -1]`, its
    /// samples being two.
    static func arithmetic() -> [UInt8] {
        model(
            nodes: [
                ONNXNode(
                    name: "size", operation: "Mul", inputs: ["two", "three"], output: "six",
                    attributes: []),
                ONNXNode(
                    name: "shape", operation: "Concat", inputs: ["six", "rest"], output: "shape",
                    attributes: [("axis", .int(0))]),
                ONNXNode(
                    name: "reshape", operation: "Reshape", inputs: ["x", "shape"], output: "y",
                    attributes: []),
            ],
            constants: [
                ProtobufMessage(onnxIntegers: [2], name: "two"),
                ProtobufMessage(onnxIntegers: [3], name: "three"),
                ProtobufMessage(onnxIntegers: [-1], name: "rest"),
            ], input: ("x", [6, 2]))
    }

    /// A model of one input and the output `y`.
    static func model(
        nodes: [ONNXNode], constants: [ProtobufMessage] = [], input: (name: String, shape: [Int])
    ) -> [UInt8] {
        Array(
            ONNXModel(
                name: "test", nodes: nodes, constants: constants,
                inputs: [ONNXValue(name: input.name, sampleShape: input.shape)],
                outputs: [ONNXValue(name: "y", sampleShape: [1])]
            ).message.encoded())
    }
}

struct ONNXReaderTests {
    @Test func fieldsAreReadInOrder() throws {
        var inner = ProtobufMessage()
        inner.add(1, 150)
        var message = ProtobufMessage()
        message.add(3, inner)
        message.add(1, -1)
        message.add(2, Float(1))
        let source = ByteSource(Array(message.encoded()), name: "m")
        var reader = ProtobufReader(source)
        let first = try #require(try reader.next())
        #expect(first.number == 3)
        let range = try #require(first.value.range)
        var nested = ProtobufReader(source, range)
        #expect(try nested.next()?.value.integer == 150)
        #expect(try nested.next() == nil)
        #expect(try reader.next()?.value.integer == -1)
        guard case .bits32(let bits)? = try reader.next()?.value else {
            Issue.record("no number")
            return
        }
        #expect(Float(bitPattern: bits) == 1)
        #expect(try reader.next() == nil)
    }

    @Test(arguments: [
        ([0x08], "a number that is cut off at byte 1"),
        ([0x0A, 5, 1], "a length of 5 where 1 bytes are left at byte 0"),
        ([0x00], "a field numbered 0 at byte 0"), ([0x0B], "a field of type 3 at byte 0"),
        ([0x09, 1, 2], "a number that is cut off at byte 1"),
        ([0x08] + [UInt8](repeating: 0x80, count: 11), "a number of more than ten bytes at byte 1"),
        ([], "has no graph"),
    ])
    func whatIsNoMessageIsRefused(_ bytes: [UInt8], _ problem: String) throws {
        let error = #expect(throws: FileError.self) { try ONNXFile(bytes, name: "m") }
        #expect(error?.problem == problem)
    }

    @Test func everythingOfAModelIsRead() throws {
        let file = try ONNXFile(SmallModels.convolution())
        #expect(file.operatorVersion == 17 && file.producer == "swift-convnet")
        #expect(
            file.nodes.map(\.operation)
                == ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"])
        #expect(file.inputs.map(\.name) == ["input"] && file.outputs.map(\.name) == ["output"])
        #expect(file.inputs[0].shape == [.open("N"), .fixed(2), .fixed(5), .fixed(4)])
        #expect(file.inputs[0].elementType == ONNXType.float.rawValue)
        guard case .ints(let pads)? = file.nodes[0].attributes["pads"],
            case .float(let epsilon)? = file.nodes[1].attributes["epsilon"]
        else {
            Issue.record("attributes are missing")
            return
        }
        #expect(pads == [1, 1, 1, 1] && epsilon == 1e-5)
        #expect(
            file.initializers.map(\.name) == [
                "W1", "b1", "gamma2", "beta2", "mean2", "variance2", "W3", "b3",
            ])
    }

    /// Each byte replaced by others: the model loads, or is refused with one line.
    @Test(arguments: 0..<3)
    func aDamagedFileLoadsOrIsRefused(_ number: Int) throws {
        let models = [
            try SmallModels.convolution(), try SmallModels.shapes(), SmallModels.arithmetic(),
        ]
        let bytes = models[number]
        _ = try Network(onnx: bytes)
        var refused = 0
        for place in bytes.indices {
            for change in [UInt8(0xFF), 0x80, 0x01] {
                var damaged = bytes
                damaged[place] ^= change
                do {
                    _ = try Network(onnx: damaged)
                } catch {
                    refused += 1
                    let text = "\(error)"
                    #expect(error is FileError || error is ONNXError, "byte \(place): \(error)")
                    // Several operators may be refused at once, a line each.
                    let lines = (error as? ONNXError).map { max($0.reasons.count, 1) } ?? 1
                    #expect(
                        text.split(separator: "\n").count <= lines + 1, "byte \(place): \(text)")
                }
            }
        }
        #expect(refused > 0)
        for count in 0..<bytes.count {
            #expect(throws: (any Error).self) { try Network(onnx: Array(bytes.prefix(count))) }
        }
    }

    /// Types of initializers, as bytes and in fields of their own.
    @Test func initializersOfEachTypeAreRead() throws {
        func record(_ type: ONNXType, _ body: (inout ProtobufMessage) -> Void) throws
            -> ONNXConstant
        {
            var message = ProtobufMessage()
            message.add(1, 2)
            message.add(2, type.rawValue)
            message.add(8, "t")
            body(&message)
            let source = ByteSource(Array(message.encoded()), name: "m")
            return try TensorRecord(ProtobufReader(source)).constant(in: nil)
        }
        func raw(_ type: ONNXType, _ bytes: [UInt8]) throws -> ONNXConstant {
            try record(type) { $0.add(9, String(decoding: bytes, as: UTF8.self)) }
        }
        #expect(try raw(.int32, [1, 0, 0, 0, 2, 0, 0, 0]).integers == [1, 2])
        #expect(try raw(.int8, [1, 0x7F]).integers == [1, 127])
        #expect(try raw(.bool, [0, 7]).integers == [0, 1])
        // 1 and 2 in each type of floating-point numbers.
        #expect(try raw(.float16, [0, 0x3C, 0, 0x40]).tensor?.scalars == [1, 2])
        #expect(
            try record(.float) {
                $0.add(4, Float(1)); $0.add(4, Float(2))
            }.tensor?.scalars == [1, 2])
        #expect(
            try record(.int64) {
                $0.add(7, -1); $0.add(7, 5)
            }.integers == [-1, 5])
        #expect(
            try record(.float16) {
                $0.add(5, 0x3C00); $0.add(5, 0x4000)
            }.tensor?.scalars == [1, 2])
        #expect(
            try record(.bfloat16) {
                $0.add(5, 0x3F80); $0.add(5, 0x4000)
            }.tensor?.scalars == [1, 2])
        let error = #expect(throws: FileError.self) { try raw(.int32, [1, 0, 0, 0]) }
        #expect(error?.problem == "tensor t has 4 bytes")
        #expect(throws: FileError.self) { try record(.string) { _ in } }
        #expect(throws: FileError.self) { try record(.float) { $0.add(4, Float(1)) } }
    }
}

struct ExternalDataTests {
    /// A model whose only tensor lies at a place.
    private static func model(_ location: String, offset: String? = nil) -> [UInt8] {
        func entry(_ key: String, _ value: String) -> ProtobufMessage {
            var entry = ProtobufMessage()
            entry.add(1, key)
            entry.add(2, value)
            return entry
        }
        var tensor = ProtobufMessage()
        tensor.add(1, 2)
        tensor.add(2, ONNXType.float.rawValue)
        tensor.add(8, "w")
        tensor.add(13, entry("location", location))
        if let offset { tensor.add(13, entry("offset", offset)) }
        tensor.add(14, 1)
        let node = ONNXNode(
            name: "add", operation: "Add", inputs: ["x", "w"], output: "y", attributes: [])
        return SmallModels.model(nodes: [node], constants: [tensor], input: ("x", [2]))
    }

    private static func write(_ numbers: [Float], to url: URL) throws {
        try numbers.withUnsafeBytes { Data($0) }.write(to: url)
    }

    @Test func tensorsBesideTheModelAreRead() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("m.onnx")
            try Data(Self.model("w.data", offset: "4")).write(to: url)
            try Self.write([9, 1, 2], to: folder.appendingPathComponent("w.data"))
            let network = try Network(onnx: url)
            #expect(network.parameters.map(\.name) == ["w"])
            let y = try network.predict(Tensor(shape: [1, 2], scalars: [10, 20]))
            #expect(y.scalars == [11, 22])
        }
    }

    /// Above the folder, at an absolute place, through a link that leads out; and past
    /// the file's end.
    @Test func othersAreRefused() throws {
        try withTemporaryFolder { parent in
            let folder = parent.appendingPathComponent("models")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let secret = parent.appendingPathComponent("secret")
            try Self.write([1, 2], to: secret)
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent("link"), withDestinationURL: secret)
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent("up"), withDestinationURL: parent)
            try Self.write([1, 2], to: folder.appendingPathComponent("inside"))
            let url = folder.appendingPathComponent("m.onnx")
            for location in ["../secret", secret.path, "link", "up/secret", "", "a/../../secret"] {
                try Data(Self.model(location)).write(to: url)
                let error = #expect(throws: FileError.self, "\(location)") {
                    try Network(onnx: url)
                }
                #expect(error?.expected == "one in the model's folder", "\(location)")
            }
            try Data(Self.model("inside", offset: "4")).write(to: url)
            #expect(throws: FileError.self) { try Network(onnx: url) }
            try Data(Self.model("inside", offset: "99")).write(to: url)
            #expect(throws: FileError.self) { try Network(onnx: url) }
            // Bytes in memory have no folder.
            #expect(throws: FileError.self) { try Network(onnx: Self.model("inside")) }
            try Data(Self.model("inside")).write(to: url)
            _ = try Network(onnx: url)
        }
    }
}
