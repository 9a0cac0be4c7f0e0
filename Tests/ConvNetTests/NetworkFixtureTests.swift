// SPDX-License-Identifier: MIT
//
// Whole networks against PyTorch's numbers: what they predict, their gradients, and parameters and
// running statistics after three steps. Narrow ones lie in Fixtures/Networks; TORCH_NETWORKS names
// a folder with full ones (`Tests/Fixtures/networks.py FOLDER --full`).

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet

/// What Fixtures/networks.py has written of a network.
private struct NetworkFixture {
    let tensors: [String: Tensor]
    let metadata: [String: String]

    init(_ name: String, in folder: URL) throws {
        let contents = try Safetensors.contents(
            of: folder.appendingPathComponent("\(name).safetensors"))
        tensors = Dictionary(uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.value) })
        metadata = contents.metadata
    }

    subscript(name: String) -> Tensor { get throws { try #require(tensors[name]) } }

    /// The tensors whose names begin so, under the network's names.
    func named(_ prefix: String, for network: Network) throws -> [String: Tensor] {
        let found = tensors.compactMap { name, value in
            name.hasPrefix(prefix) ? (String(name.dropFirst(prefix.count)), value) : nil
        }
        let own = try StateDict.renamed(found.map { ($0.0, $0.1) }, for: network)
        // A tensor that modules share is there by each of its names.
        return Dictionary(own.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// PyTorch's own largest error in float32, by the network's names.
    func errors(_ prefix: String, for network: Network) throws -> [String: Double] {
        let key = "error.\(prefix)"
        let found = try metadata.compactMap { name, text -> NamedTensor? in
            guard name.hasPrefix(key), let error = Double(text) else { return nil }
            return (String(name.dropFirst(key.count)), try Tensor(shape: [1], doubles: [error]))
        }
        let own = try StateDict.renamed(found, for: network)
        return Dictionary(own.map { ($0.name, $0.value.doubles[0]) }) { first, _ in first }
    }
}

@Suite struct NetworkFixtureTests {
    private static let narrow = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().appendingPathComponent("../Fixtures/Networks")
    private static let full = ProcessInfo.processInfo.environment["TORCH_NETWORKS"]

    /// Fails where a tensor is further from PyTorch's float64 than four times PyTorch's float32 is,
    /// or a millionth of the largest number.
    private static func compare(
        _ found: [NamedTensor], _ prefix: String, _ fixture: NetworkFixture, _ network: Network
    ) throws {
        let expected = try fixture.named(prefix, for: network)
        let errors = try fixture.errors(prefix, for: network)
        for (name, value) in found {
            let numbers = try #require(expected[name]).doubles
            let largest = numbers.reduce(0) { max($0, abs($1)) }
            let error = zip(value.doubles, numbers).reduce(0) { max($0, abs($1.0 - $1.1)) }
            let bound = max(4 * (try #require(errors[name])), 1e-6 * largest)
            #expect(error <= bound, "\(prefix)\(name): \(error) of \(largest), allowed \(bound)")
        }
    }

    private static func check(_ network: Network, _ fixture: NetworkFixture) throws {
        var network = network
        let state = try fixture.tensors.keys.filter { $0.hasPrefix("state.") }.sorted().map {
            (name: String($0.dropFirst(6)), value: try fixture[$0])
        }
        try network.loadParameters(state, file: "state_dict")
        let x = try fixture["images"]
        let output = try network.predict(x), expected = try fixture["output"].doubles
        let largest = expected.reduce(0) { max($0, abs($1)) }
        for (one, other) in zip(output.doubles, expected) where abs(one - other) > 1e-5 * largest {
            Issue.record("predicts \(one), expected \(other) to 1e-5 of \(largest)")
            break
        }
        #expect(output.shape == (try fixture["output"].shape))

        let labels = try fixture["labels"].scalars.map { Int($0) }
        let result = try network.gradients(x, labels: labels)
        let loss = try fixture["loss"].doubles[0]
        #expect(abs(result.loss - loss) <= 1e-5 * loss)
        try compare(result.parameters, "gradient.", fixture, network)

        var updater = try Updater(Momentum(learningRate: 0.01, momentum: 0.9))
        for _ in 0..<3 {
            try network.trainStep(on: Batch(images: x, targets: .labels(labels)), with: &updater)
        }
        try compare(network.parameters + network.buffers, "trained.", fixture, network)
    }

    @Test func aNarrowResNetIsPyTorchs() throws {
        let network = try Network.resnet18(classes: 4, inputShape: [3, 32, 32], width: 2)
        try Self.check(network, NetworkFixture("resnet18", in: Self.narrow))
    }

    /// What is written under PyTorch's names is what was read, tensor by tensor.
    @Test func aStateDictIsWrittenAsItWasRead() throws {
        let fixture = try NetworkFixture("resnet18", in: Self.narrow)
        var network = try Network.resnet18(classes: 4, inputShape: [3, 32, 32], width: 2)
        let state = try fixture.tensors.keys.filter { $0.hasPrefix("state.") }.map {
            (name: String($0.dropFirst(6)), value: try fixture[$0])
        }
        try network.loadParameters(state, file: "state_dict")
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("resnet18.safetensors")
            try network.saveStateDict(to: file)
            let written = try Safetensors.decode(Data(contentsOf: file), file: file.path)
            let counted = state.filter { !$0.name.hasSuffix("num_batches_tracked") }
            #expect(Set(written.map(\.name)) == Set(counted.map(\.name)))
            for (name, value) in counted {
                let tensor = try #require(written.first { $0.name == name }).value
                #expect(tensor.shape == value.shape && tensor.doubles == value.doubles, "\(name)")
            }
            var other = try Network.resnet18(
                classes: 4, inputShape: [3, 32, 32], width: 2, seed: 9)
            try other.loadParameters(from: file)
            let x = try fixture["images"]
            #expect(try other.predict(x).doubles == network.predict(x).doubles)
        }
    }

    /// Where a network sees a class.
    @Test func attentionIsPyTorchs() throws {
        let fixture = try NetworkFixture("resnet18", in: Self.narrow)
        var network = try Network.resnet18(classes: 4, inputShape: [3, 32, 32], width: 2)
        let state = try fixture.tensors.keys.filter { $0.hasPrefix("state.") }.map {
            (name: String($0.dropFirst(6)), value: try fixture[$0])
        }
        try network.loadParameters(state, file: "state_dict")
        let map = try network.classActivationMap(
            of: fixture["images"].samples(0..<1), label: 0, layer: "layer2")
        let expected = try fixture["attention"]
        #expect(map.values.shape == expected.shape && map.values.shape == [1, 1, 4, 4])
        let largest = expected.doubles.reduce(0, max)
        #expect(largest > 0)
        // As much as predictions may differ.
        for (one, other) in zip(map.values.doubles, expected.doubles) {
            #expect(abs(one - other) <= 1e-5 * largest, "\(one), expected \(other)")
        }
    }

    @Test func aNarrowUNetIsPyTorchs() throws {
        let network = try Network.unet(classes: 2, inputShape: [3, 16, 12], width: 3)
        try Self.check(network, NetworkFixture("unet", in: Self.narrow))
    }

    /// A layer at two places, and a parameter that two modules have.
    @Test func aTiedNetworkIsPyTorchs() throws {
        try Self.check(tiedNetwork(), NetworkFixture("tied", in: Self.narrow))
    }

    /// At full size some gradients are beyond the bound, those of resnet18 by thousands: not for a
    /// fault, but because rounding decides which way a number next to 0 goes. Of its 10 million
    /// ReLUs of four images 14 are on the other side than in float64 (of PyTorch's in float32 3),
    /// and behind layer 4 a channel's gradient is that of 196 numbers. With the ReLUs and maxima of
    /// each run forced upon a float64 one, gradients of unet and squeezenet1_1 are off by at most
    /// 1.4 times what PyTorch's float32 is, those of resnet18 by 5.3 times, or 2.7 times without
    /// Winograd's algorithm.
    @Test(
        .enabled(if: full != nil, "TORCH_NETWORKS is not set"),
        arguments: ["resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1", "resnet20", "unet"])
    func aFullNetworkIsPyTorchs(_ name: String) throws {
        let network =
            switch name {
            case "resnet18": try Network.resnet18()
            case "resnet50": try Network.resnet50()
            case "mobilenet_v2": try Network.mobileNetV2(dropout: 0)
            case "squeezenet1_1": try Network.squeezeNet(dropout: 0)
            case "resnet20": try Network.smallResNet(depth: 20)
            default: try Network.unet()
            }
        let folder = URL(fileURLWithPath: try #require(Self.full))
        try Self.check(network, NetworkFixture(name, in: folder))
    }
}
