// SPDX-License-Identifier: MIT
//
// Networks that come from files and go to other programs.

import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/NumPy")

@Suite struct InterchangeTests {
    @Test func trainWritesAWholeNetwork() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("digits.safetensors")
            let run = try Tool.run([
                "train", "--limit", "20", "--epochs", "1", "--out", file.path,
            ])
            #expect(run.status == 0, "\(run)")
            let network = try Network(contentsOf: file)
            #expect(network.parameters.map(\.name) == ["W1", "b1", "W2", "b2", "W3", "b3"])
            #expect(network.inputShape == [1, 28, 28])
            var simple = try SimpleConvNet(seed: 0)
            try simple.loadParameters(from: file)
        }
    }

    /// No name on the command line stands for a network with 50 hidden numbers.
    @Test func evaluateTakesTheNetworkThatTheFileDescribes() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("own.safetensors").path
            try SimpleConvNet(seed: 1, hiddenSize: 50).save(to: URL(fileURLWithPath: file))
            let run = try Tool.run(["evaluate", "--parameters", file, "--limit", "10"])
            #expect(run.status == 0, "\(run)")
            #expect(run.output.hasSuffix("/10)\n"), "\(run)")
            // A name that is given counts.
            let named = try Tool.run(["evaluate", "--parameters", file, "--network", "simple"])
            try BadInputTests.expectFailure(named, naming: "W2 has shape [4320, 50]")
        }
    }

    @Test func anUnknownLayerIsNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("odd.safetensors")
            let text =
                #"{"format":"convnet","input_shape":[1],"layers":[{"name":"a","settings":{},"#
                + #""tensors":[],"type":"Odd"}],"version":1}"#
            try Safetensors.encode([], metadata: ["architecture": text]).write(to: file)
            try BadInputTests.expectFailure(
                Tool.run(["evaluate", "--parameters", file.path]),
                naming: "\(file.path): layer a (Odd): is of an unknown type, expected one of ")
        }
    }

    /// The file's numbers are the network's; what is around them ConvNetTests look at.
    @Test func exportWritesTheNetwork() throws {
        try withTemporaryFolder { folder in
            let network = try SimpleConvNet(seed: 1, hiddenSize: 50)
            let file = folder.appendingPathComponent("own.safetensors")
            try network.save(to: file)
            let output = folder.appendingPathComponent("own.onnx")
            let run = try Tool.run(["export", "--parameters", file.path, "--out", output.path])
            #expect(run.output == "wrote \(output.path)\n", "\(run)")
            #expect(run.status == 0)
            let expected = folder.appendingPathComponent("expected.onnx")
            try network.exportONNX(to: expected)
            #expect(try Data(contentsOf: output) == Data(contentsOf: expected))
            try BadInputTests.expectFailure(
                Tool.run(["export", "--parameters", file.path, "--out", "/no/such/folder/x"]),
                naming: "/no/such/folder/x: can't be written")
        }
    }

    @Test func importTurnsArraysIntoANetwork() throws {
        try withTemporaryFolder { folder in
            let output = folder.appendingPathComponent("digits.safetensors")
            let arrays = fixtures.appendingPathComponent("simple.npz").path
            let run = try Tool.run(["import", arrays, "--out", output.path])
            #expect(run.output == "wrote \(output.path)\n", "\(run)")
            #expect(run.status == 0)
            let network = try Network(contentsOf: output)
            let logits = try network.predict(Tensor(zeros: [1, 1, 28, 28]))
            #expect(logits.scalars == (0..<10).map { Float($0) })
            // What would be left out without a word is refused.
            for option in [["--imagenet"], ["--mean", "0.5"], ["--labels", arrays]] {
                let refused = try Tool.run(
                    ["convert", arrays, folder.appendingPathComponent("x.safetensors").path]
                        + option)
                #expect(refused.status == 2, "\(refused)")
                #expect(
                    refused.error.contains("\(option[0]) is unexpected with NumPy's arrays"),
                    "\(refused)")
            }
        }
    }

    @Test func arraysThatDoNotSuitTheNetworkAreNamed() throws {
        try withTemporaryFolder { folder in
            let output = folder.appendingPathComponent("x.safetensors").path
            for (name, problem) in [
                ("stored.npz", "W1 has shape [3, 1, 3, 3], expected [30, 1, 5, 5]"),
                ("f4.npy", "no zip directory at the end, expected an .npz file"),
            ] {
                let arrays = fixtures.appendingPathComponent(name).path
                try BadInputTests.expectFailure(
                    Tool.run(["import", arrays, "--out", output]), naming: "\(arrays): \(problem)")
                #expect(!FileManager.default.fileExists(atPath: output))
            }
        }
    }
}
