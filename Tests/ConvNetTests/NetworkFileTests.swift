// SPDX-License-Identifier: MIT
//
// Whole networks in files: what is written is read without code, and whatever else a file may say
// gives one clear line.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// A custom layer that a file can describe.
private struct Scaling: UnaryLayer, DescribedLayer {
    static let typeName = "Scaling"
    let factor: Double

    init(factor: Double) { self.factor = factor }

    var layerSettings: LayerSettings { ["factor": .number(factor)] }

    init(settings: LayerSettings, tensors: LayerTensors) throws {
        try settings.require(only: ["factor"])
        try tensors.require(only: [])
        self.init(factor: try settings.number("factor"))
    }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(try factor * x) { outputGradient, _ in
            LayerGradients(input: try factor * outputGradient)
        }
    }
}

struct NetworkFileTests {
    /// The small network's file, after a change to its architecture's text and tensors.
    private static func contents(
        _ replacements: [(String, String)] = [],
        tensors change: (inout [NamedTensor]) throws -> Void = { _ in }
    ) throws -> Safetensors.Contents {
        let network = try smallNetwork()
        var tensors = network.parameters
        try change(&tensors)
        var text = try #require(network.network.architectureMetadata()["architecture"])
        for (old, new) in replacements {
            #expect(text.contains(old), "\(old) is not in \(text)")
            text = text.replacingOccurrences(of: old, with: new)
        }
        return try Safetensors.contents(
            of: Safetensors.encode(tensors, metadata: ["architecture": text]))
    }

    private static func problem(
        _ replacements: [(String, String)] = [],
        tensors change: (inout [NamedTensor]) throws -> Void = { _ in }
    ) throws -> String {
        let contents = try contents(replacements, tensors: change)
        do {
            _ = try Network(contents, file: "f")
            return "no problem"
        } catch let error as FileError {
            return error.problem
        }
    }

    @Test func aLoadedNetworkPredictsTheSameBitsAndIsWrittenAsTheSameBytes() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("n.safetensors")
            for described in try describedNetworks() {
                try described.network.save(to: url)
                let first = try Data(contentsOf: url)
                let loaded = try Network(contentsOf: url)
                #expect(loaded.layers.map(\.name) == described.network.layers.map(\.name))
                #expect(loaded.parameters.map(\.name) == described.network.parameters.map(\.name))
                #expect(
                    try described.prediction(of: loaded).hasSameBits(as: described.prediction()),
                    "\(described.name)")
                try loaded.save(to: url)
                #expect(try Data(contentsOf: url) == first, "\(described.name)")
            }
        }
    }

    /// The text is a format that others may read: it is pinned here, word for word.
    @Test func theArchitectureIsTheDocumentedText() throws {
        let network = try Network(
            inputShape: [1, 4, 4],
            layers: [
                NamedLayer("conv1", Convolution(inputChannels: 1, outputChannels: 2, kernel: 3)),
                NamedLayer("relu1", ReLU()),
                NamedLayer("affine1", Affine(inputSize: 8, outputSize: 2)),
            ])
        #expect(
            try network.architectureMetadata() == [
                "architecture":
                    #"{"format":"convnet","input_shape":[1,4,4],"layers":["#
                    + #"{"name":"conv1","settings":{"ceil_mode":false,"dilation":[1,1],"groups":1,"#
                    + #""padding":[0,0,0,0],"size":[3,3],"stride":[1,1]},"tensors":["W","b"],"#
                    + #""type":"Convolution"},"#
                    + #"{"name":"relu1","settings":{},"tensors":[],"type":"ReLU"},"#
                    + #"{"name":"affine1","settings":{},"tensors":["W","b"],"type":"Affine"}],"#
                    + #""version":1}"#
            ])
    }

    @Test func theParametersAloneCanBeLoadedFromAWholeNetwork() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("n.safetensors")
            let network = try smallNetwork(seed: 1)
            try network.save(to: url)
            var other = try smallNetwork(seed: 2)
            try other.loadParameters(from: url)
            #expect(other.parameters.map(\.value) == network.parameters.map(\.value))
            // And parameters alone are no network.
            try network.saveParameters(to: url)
            #expect(
                throws: FileError(
                    file: url.path,
                    problem: "holds no network, expected architecture in its metadata")
            ) { try Network(contentsOf: url) }
        }
    }

    @Test func ownLayersAreWrittenAndReadWhenTheyDescribeThemselves() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("n.safetensors")
            let network = try Network(
                inputShape: [3], layers: [NamedLayer("scale1", Scaling(factor: 0.1))])
            try network.save(to: url)
            let loaded = try Network(contentsOf: url, layerTypes: [Scaling.self])
            let x = try Tensor(shape: [1, 3], scalars: [1, 2, 3])
            #expect(try loaded.predict(x) == network.predict(x))
            let error = #expect(throws: FileError.self) { try Network(contentsOf: url) }
            #expect(
                try #require(error).problem.hasPrefix(
                    "layer scale1 (Scaling): is of an unknown type, expected one of "))
        }
    }

    @Test func aLayerThatDescribesNothingIsNamed() throws {
        let network = try Network(inputShape: [3], layers: [NamedLayer("first", FirstLayer())])
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("n.safetensors")
            #expect(
                throws: TensorError(
                    operation: "save", argument: "layer first", value: "FirstLayer",
                    expected: "a layer that conforms to DescribedLayer")
            ) { try network.save(to: url) }
            #expect(!FileManager.default.fileExists(atPath: url.path))
        }
    }

    @Test(
        arguments: [
            ([("convnet", "other")], "architecture is not the JSON of a network"),
            (
                [(#""version":1"#, #""version":4"#)],
                "architecture is of version 4, expected from 1 to 3"
            ),
            (
                [(#""version":1"#, #""version":2"#)],
                "architecture is not the JSON of a network: inputs is missing"
            ),
            ([(#","version":1}"#, "")], "architecture is not the JSON of a network"),
            (
                [(#""version":1"#, #""version":1,"version":1"#)],
                "architecture has version twice in one object, expected once"
            ),
            (
                [(#""groups":1"#, #""groups":1,"groups":1"#)],
                "architecture has groups twice in one object, expected once"
            ),
            (
                [(#""input_shape":[1,8,8],"#, "")],
                "architecture is not the JSON of a network: input_shape is missing"
            ),
            (
                [(#"[1,8,8]"#, #"[1,8,"8"]"#)],
                "architecture is not the JSON of a network: input_shape.2 is of the wrong kind"
            ),
            (
                [(#""name":"relu1","#, "")],
                "architecture is not the JSON of a network: layers.1.name is missing"
            ),
            (
                [(#""groups":1"#, #""groups":null"#)],
                "architecture is not the JSON of a network: layers.0.settings.groups is of the wrong kind"
            ),
            (
                [(#""groups":1"#, #""groups":[[1]]"#)],
                "architecture is not the JSON of a network: layers.0.settings.groups is of the wrong kind"
            ),
            (
                [(#"[1,8,8]"#, "[2,8,8]")],
                "layer conv1 (Convolution) on [1, 2, 8, 8]: weights is [3, 1, 3, 3], expected "
                    + "[3, 2, 3, 3] for images [1, 2, 8, 8] and this window"
            ),
            (
                [(#"[1,8,8]"#, "[1,2147483647,2147483647]")],
                "Network: inputShape is [1, 1, 2147483647, 2147483647], expected extents from 1 to "
                    + "2147483647 and a size that fits in memory"
            ),
            (
                [(#"[1,8,8]"#, "[1,2147483647,80000000]")],
                "layer pool1 (MaxPooling) on [1, 3, 2147483645, 79999998]: x is "
            ),
            (
                [(#"[1,8,8]"#, "[1,8,-8]")],
                "Network: inputShape is [1, 1, 8, -8], expected extents from 1 to 2147483647 and a "
                    + "size that fits in memory"
            ),
            (
                [("relu2", "relu1")],
                "Network: layers is two named relu1, expected names that differ"
            ),
            (
                [(#""groups":1"#, #""groups":2"#)],
                "layer conv1 (Convolution): groups is 2, expected a divisor of 2 channels and 3 "
                    + "filters, all at least 1"
            ),
            (
                [(#""groups":1"#, #""groups":0"#)],
                "layer conv1 (Convolution): groups is 0, expected a whole number from 1 to 2147483647"
            ),
            (
                [(#","groups":1"#, "")],
                "layer conv1 (Convolution): groups is missing, expected a whole number from 1 to "
                    + "2147483647"
            ),
            (
                [(#""groups":1"#, #""groups":1.5"#)],
                "layer conv1 (Convolution): groups is 1.5, expected a whole number from 1 to 2147483647"
            ),
            (
                [(#""groups":1"#, #""groups":1,"bias":false"#)],
                "layer conv1 (Convolution): bias is false, expected only size, stride, padding, "
                    + "dilation, ceil_mode, groups"
            ),
            (
                [(#""size":[3,3]"#, #""size":[3,2147483648]"#)],
                "layer conv1 (Convolution): size is [3, 2147483648], expected 2 whole numbers from 1 "
                    + "to 2147483647"
            ),
            (
                [(#""size":[3,3]"#, #""size":[5,5]"#)],
                "layer conv1 (Convolution): weights is [3, 1, 3, 3], expected [F, C/groups, 5, 5]"
            ),
            (
                [(#""size":[2,2]"#, #""size":[2147483647,2147483647]"#)],
                "layer pool1 (MaxPooling) on [1, 3, 6, 6]: window is 2147483647×2147483647, expected "
                    + "at most the padded input's 6×6"
            ),
            (
                [(#""padding":[0,0,0,0],"size":[2,2]"#, #""padding":[0,0,-1,0],"size":[2,2]"#)],
                "layer pool1 (MaxPooling): padding is [0, 0, -1, 0], expected 4 whole numbers from 0 "
                    + "to 2147483647"
            ),
            (
                [(#""ceil_mode":false"#, #""ceil_mode":0"#)],
                "layer conv1 (Convolution): ceil_mode is 0, expected true or false"
            ),
            (
                [(#"relu1","settings":{}"#, #"relu1","settings":{"slope":1}"#)],
                "layer relu1 (ReLU): slope is 1, expected no settings"
            ),
            (
                [(#"["W","b"],"type":"Convolution""#, #"["b"],"type":"Convolution""#)],
                "layer conv1 (Convolution): W is missing, expected a tensor"
            ),
            (
                [(#"["W","b"],"type":"Convolution""#, #"["W","b","c"],"type":"Convolution""#)],
                "layer conv1 (Convolution): lacks its tensor c1"
            ),
            (
                [(#"["W","b"],"type":"Convolution""#, #"["W","b","W"],"type":"Convolution""#)],
                "layer conv1 (Convolution): lacks its tensor W1"
            ),
            (
                [(#""tensors":[],"type":"ReLU""#, #""tensors":["W"],"type":"ReLU""#)],
                "layer relu1 (ReLU): W is present, expected no tensors"
            ),
            (
                [("\"ReLU\"", "\"Relu\"")],
                "layer relu1 (Relu): is of an unknown type, expected one of"
            ),
        ] as [([(String, String)], String)])
    func aWrongArchitectureGivesOneClearLine(
        _ replacements: [(String, String)], _ problem: String
    ) throws {
        let found = try Self.problem(replacements)
        #expect(found.hasPrefix(problem), "\(found)")
    }

    @Test func tensorsMustBeThoseOfTheLayers() throws {
        #expect(
            try Self.problem { $0.removeLast() } == "layer affine2 (Affine): lacks its tensor b3")
        #expect(
            try Self.problem { $0.append(("W4", try Tensor(zeros: [1]))) }
                == "W4 is unexpected, expected only the layers' tensors")
        #expect(
            try Self.problem { $0[1].value = try Tensor(zeros: [4]) }
                == "layer conv1 (Convolution): bias is [4], expected [3]")
        #expect(
            try Self.problem { $0[2].value = try Tensor(zeros: [28, 5]) }
                == "layer affine1 (Affine) on [1, 3, 3, 3]: x is [1, 3, 3, 3], expected [N, 28], or "
                + "images of as many numbers")
    }

    @Test func aNetworkOfMixedNumberTypesIsRefused() throws {
        #expect(
            try Self.problem {
                for index in 2...3 { $0[index].value = try $0[index].value.converted(to: .float64) }
            } == "W2 has type float64, expected float32 as W1")
    }

    @Test func aTextBeyondTheLimitIsNotParsed() throws {
        let text = String(repeating: " ", count: (1 << 20) + 1)
        let contents = try Safetensors.contents(
            of: Safetensors.encode([], metadata: ["architecture": text]))
        #expect(
            throws: FileError(
                file: "f", problem: "architecture has 1048577 bytes, expected at most 1048576")
        ) { try Network(contents, file: "f") }
    }

    /// Whatever a byte of the text becomes, reading gives a network or an error, and no trap.
    @Test func anArchitectureWithAnyByteChangedIsReadOrRefused() throws {
        let network = try smallNetwork()
        let text = try #require(network.network.architectureMetadata()["architecture"])
        let tensors = network.parameters
        let bytes = Array(text.utf8)
        for place in bytes.indices {
            for byte in Array("\"{}[],:-0129eEtfn. \\".utf8) where byte != bytes[place] {
                var changed = bytes
                changed[place] = byte
                let contents = try Safetensors.contents(
                    of: Safetensors.encode(
                        tensors,
                        metadata: ["architecture": String(decoding: changed, as: UTF8.self)]))
                do {
                    _ = try Network(contents, file: "f")
                } catch {
                    #expect(error is FileError, "\(place): \(byte): \(error)")
                }
            }
        }
    }
}
