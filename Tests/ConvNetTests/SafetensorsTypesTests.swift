// SPDX-License-Identifier: MIT
//
// Numbers of other types in safetensors files: halves become floats, whole numbers stay what they
// are, and what is not read is an error only when it is asked for.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

struct SafetensorsTypesTests {
    /// A file with one tensor `a`.
    private static func file(
        _ type: String, _ shape: [Int], _ bytes: [UInt8], metadata: String? = nil
    ) -> Data {
        let texts = metadata.map { "\"__metadata__\":\($0)," } ?? ""
        let header = Data(
            ("{\(texts)\"a\":{\"dtype\":\"\(type)\",\"shape\":\(shape),"
                + "\"data_offsets\":[0,\(bytes.count)]}}").utf8)
        var file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        file.append(header)
        file.append(contentsOf: bytes)
        return file
    }

    private static func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        numbers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
    }

    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("Fixtures/Safetensors/mixed.safetensors")

    private static func expect(_ problem: String, _ body: () throws -> Void) {
        #expect(throws: FileError(file: "f", problem: problem), performing: body)
    }

    @Test func metadataThatIsNullIsNone() throws {
        let file = Self.file("F32", [1], [0, 0, 0x80, 0x3F], metadata: " null ")
        let contents = try Safetensors.contents(of: file)
        #expect(contents.metadata == [:])
        #expect(contents.tensors.map(\.value.scalars) == [[1]])
        for odd in ["nul", "nulll", "[]", "\"null\""] {
            let file = Self.file("F32", [1], [0, 0, 0x80, 0x3F], metadata: odd)
            Self.expect("header is not the JSON of a safetensors file") {
                _ = try Safetensors.contents(of: file, file: "f")
            }
        }
    }

    #if !(os(macOS) && arch(x86_64))
        /// All 65,536 of them, compared with Swift's own type: subnormal numbers, infinities, NaN.
        @Test func everyHalfBecomesTheSameNumber() throws {
            let all = Array(UInt16.min...UInt16.max)
            let tensor = try Safetensors.contents(of: Self.file("F16", [65536], Self.bytes(all)))
                .entry("a").tensor()
            #expect(tensor.scalarType == .float32)
            for (bits, number) in zip(all, tensor.scalars) {
                let expected = Float(Float16(bitPattern: bits))
                #expect(
                    number.isNaN && expected.isNaN || number.bitPattern == expected.bitPattern,
                    "\(bits)")
            }
        }
    #endif

    @Test func everyBrainFloatIsTheUpperHalfOfAFloat() throws {
        let all = Array(UInt16.min...UInt16.max)
        let tensor = try Safetensors.contents(of: Self.file("BF16", [256, 256], Self.bytes(all)))
            .entry("a").tensor()
        #expect(tensor.shape == [256, 256])
        #expect(tensor.scalars.map(\.bitPattern) == all.map { UInt32($0) << 16 })
    }

    @Test func wholeNumbersAreHandedOutAsSuch() throws {
        func expect<Number: FixedWidthInteger>(_ type: String, _ numbers: [Number]) throws {
            let data = Self.file(type, [numbers.count, 1], Self.bytes(numbers))
            let contents = try Safetensors.contents(of: data, file: "f")
            #expect(contents.tensors.isEmpty)
            let integers = try contents.entry("a").integers()
            #expect(integers.type.rawValue == type)
            #expect(integers.shape == [numbers.count, 1] && integers.count == numbers.count)
            #expect(try integers.numbers(as: Number.self) == numbers)
            Self.expect("a has type \(type), expected one of F16, BF16, F32, F64") {
                _ = try contents.entry("a").tensor()
            }
        }
        try expect("I8", [Int8.min, -1, 0, .max])
        try expect("I16", [Int16.min, -1, 0, .max])
        try expect("I32", [Int32.min, -1, 0, .max])
        try expect("I64", [Int64.min, -1, 0, .max])
        try expect("U8", [UInt8.min, 1, .max])
        try expect("U16", [UInt16.min, 1, .max])
        try expect("U32", [UInt32.min, 1, .max])
        try expect("U64", [UInt64.min, 1, .max])
    }

    @Test func aNumberThatDoesNotFitIsNamed() throws {
        let data = Self.file("U64", [2], Self.bytes([7, UInt64.max]))
        let integers = try Safetensors.contents(of: data).entry("a").integers()
        #expect(
            throws: TensorError(
                operation: "numbers", argument: "number 1", value: "18446744073709551615",
                expected: "from -9223372036854775808 to 9223372036854775807, as Int has them")
        ) { try integers.numbers() }
        #expect(
            throws: TensorError(
                operation: "booleans", argument: "type", value: "U64", expected: "BOOL")
        ) { try integers.booleans() }
    }

    @Test func truthValuesAreZeroOrOne() throws {
        let good = try Safetensors.contents(of: Self.file("BOOL", [3], [1, 0, 1])).entry("a")
        #expect(try good.integers().booleans() == [true, false, true])
        #expect(try good.integers().numbers(as: UInt8.self) == [1, 0, 1])
        let bad = try Safetensors.contents(of: Self.file("BOOL", [2], [1, 2])).entry("a")
        let problem = TensorError(
            operation: "booleans", argument: "number 1", value: "2", expected: "0 or 1")
        #expect(throws: problem) { try bad.integers().booleans() }
        #expect(throws: problem) { try bad.integers().numbers() }
    }

    @Test func whatIsNotReadIsAnErrorForWhoAsks() throws {
        let contents = try Safetensors.contents(
            of: Self.file("F8_E5M2", [3], [1, 2, 3]), file: "f")
        #expect(contents.entries.map(\.type) == ["F8_E5M2"])
        #expect(contents.entries.map(\.shape) == [[3]])
        Self.expect("a has type F8_E5M2, expected one of F16, BF16, F32, F64") {
            _ = try contents.entry("a").tensor()
        }
        Self.expect(
            "a has type F8_E5M2, expected one of I8, I16, I32, I64, U8, U16, U32, U64, BOOL"
        ) { _ = try contents.entry("a").integers() }
        Self.expect("b is missing, expected one of a") { _ = try contents.entry("b") }
        let empty = try Safetensors.contents(of: Self.file("F32", [2, 0], []), file: "f")
        Self.expect("a has shape [2, 0], expected extents from 1 to 2147483647") {
            _ = try empty.entry("a").tensor()
        }
    }

    /// Sizes that don't suit the shape are found before there is memory for anything.
    @Test(arguments: [("F16", 6), ("BF16", 6), ("I64", 24), ("BOOL", 3), ("U16", 6), ("I32", 12)])
    func sizesAreCheckedForEachType(_ type: String, _ size: Int) {
        Self.expect("a has \(size - 1) bytes, expected \(size) for shape [3]") {
            let bytes = [UInt8](repeating: 0, count: size - 1)
            _ = try Safetensors.contents(of: Self.file(type, [3], bytes), file: "f")
        }
    }

    /// What NumPy wrote, by the names that Tests/Fixtures/Safetensors/make.py gives.
    @Test func aFileOfManyTypesIsRead() throws {
        let contents = try Safetensors.contents(of: Self.fixture)
        #expect(contents.metadata == [:])
        #expect(
            contents.entries.map { "\($0.name) \($0.type)" } == [
                "W1 F16", "b1 BF16", "beta2 BF16", "empty F32", "gamma2 F32", "mask BOOL",
                "mean2 F16", "num_batches_tracked2 I64", "scale F8_E4M3", "table U8",
                "variance2 F32",
            ])
        let numbers = Dictionary(
            uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.value.scalars) })
        #expect(
            numbers == [
                "W1": [1, -0.5, 65504, 0x1p-24], "b1": [3, -0x1p-126], "gamma2": [1, 0.25],
                "beta2": [0, 1.5], "mean2": [0.125, -2], "variance2": [1, 4],
            ])
        #expect(try contents.entry("num_batches_tracked2").integers().numbers() == [100])
        #expect(
            try contents.entry("mask").integers().booleans() == [true, false, false, true])
        #expect(try contents.entry("table").integers().numbers() == [0, 127, 255])
    }

    /// A network for which the fixture has all numbers, and more.
    private static func network(extra: Bool = false) throws -> Network {
        var layers = [
            NamedLayer(
                "conv",
                try Convolution(
                    inputChannels: 1, outputChannels: 2, window: Window(height: 1, width: 2))),
            NamedLayer("norm", try BatchNormalization(channels: 2)),
            NamedLayer("pool", GlobalAveragePooling()),
        ]
        if extra {
            layers.append(NamedLayer("end", try Affine(inputSize: 2, outputSize: 2, seed: 1)))
        }
        return try Network(inputShape: [1, 4, 4], layers: layers)
    }

    @Test func withoutStrictnessTheRestIsIgnoredAndTold() throws {
        let unnamed = "empty, mask, num_batches_tracked2, scale, table"
        var network = try Self.network()
        let before = (network.parameters + network.buffers).map(\.value)
        let problem =
            "\(unnamed) are unexpected, expected only W1, b1, gamma2, beta2, mean2, variance2"
        #expect(throws: FileError(file: Self.fixture.path, problem: problem)) {
            try network.loadParameters(from: Self.fixture)
        }
        #expect((network.parameters + network.buffers).map(\.value) == before)
        let match = try network.loadParameters(from: Self.fixture, strict: false)
        #expect(match.ignored == unnamed.components(separatedBy: ", "))
        #expect(match.missing.isEmpty && !match.isExact)
        #expect("\(match)" == "ignored \(unnamed)")
        #expect(network.parameters[0].value.scalars == [1, -0.5, 65504, 0x1p-24])
        #expect(network.buffers.map(\.value.scalars) == [[0.125, -2], [1, 4]])
    }

    @Test func withoutStrictnessWhatIsMissingStaysAsItIs() throws {
        var network = try Self.network(extra: true)
        let weights = network.parameters[4].value
        #expect(network.parameters[4].name == "W3")
        let problem =
            "W3, b3 are missing, expected shapes [2, 2], [2]; empty, mask, num_batches_tracked2, "
            + "scale, table are unexpected, expected only W1, b1, gamma2, beta2, W3, b3, mean2, "
            + "variance2"
        #expect(throws: FileError(file: Self.fixture.path, problem: problem)) {
            try network.loadParameters(from: Self.fixture)
        }
        let match = try network.loadParameters(from: Self.fixture, strict: false)
        #expect(match.missing == ["W3", "b3"])
        #expect("\(match)".hasSuffix("table; missing, and left as they were: W3, b3"))
        #expect(network.parameters[4].value == weights)
        #expect(network.parameters[2].value.scalars == [1, 0.25])
    }

    /// Neither shapes nor whole numbers are a matter of strictness.
    @Test(arguments: [true, false]) func aWrongShapeOrTypeIsAnErrorAnyhow(_ strict: Bool) throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("f")
            var network = try Network(
                inputShape: [1],
                layers: [NamedLayer("a", try Affine(inputSize: 1, outputSize: 1, seed: 1))])
            func problem(_ type: String, _ shape: String, _ size: Int) throws -> String {
                let header = Data(
                    ("{\"W1\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[0,\(size)]},"
                        + "\"b1\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\(size),"
                        + "\(size + 4)]}}").utf8)
                var data = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
                data.append(header)
                data.append(Data(count: size + 4))
                try data.write(to: file)
                let error = #expect(throws: FileError.self) {
                    try network.loadParameters(from: file, strict: strict)
                }
                return try #require(error).problem
            }
            #expect(try problem("F16", "[2,1]", 4) == "W1 has shape [2, 1], expected [1, 1]")
            #expect(
                try problem("I64", "[1,1]", 8)
                    == "W1 has type I64, expected one of F16, BF16, F32, F64")
        }
    }

    /// A whole network's file with a counter beside it.
    @Test func aDescribedNetworkIgnoresTheRestWhereAsked() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("n.safetensors")
            let network = try smallNetwork().network
            let tensors = network.parameters + [("more", try Tensor(shape: [1], doubles: [1]))]
            try Safetensors.encode(tensors, metadata: network.architectureMetadata())
                .write(to: file)
            #expect(
                throws: FileError(
                    file: file.path,
                    problem: "more is unexpected, expected only the layers' tensors")
            ) { try Network(contentsOf: file) }
            let read = try Network(contentsOf: file, strict: false)
            #expect(read.parameters.map(\.value) == network.parameters.map(\.value))
        }
    }
}
