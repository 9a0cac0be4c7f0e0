// SPDX-License-Identifier: MIT
//
// The commands for models that other programs wrote: what they print, how they end.

import ConvNet
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

/// A small network as an ONNX file, an input and its output as .npy files.
private struct ExportedModel {
    let folder: URL
    let network: Network
    let x: Tensor
    var model: String { path("model.onnx") }

    init(in folder: URL) throws {
        var draw = Draw(seed: 3)
        self.folder = folder
        network = try SimpleConvNet(
            seed: 1, inputShape: [1, 12, 12], filters: 4, hiddenSize: 6, classes: 5
        ).network
        x = try draw.normal([2, 1, 12, 12])
        try network.exportONNX(to: folder.appendingPathComponent("model.onnx"))
        try Self.write(x, to: path("x.npy"))
        try Self.write(try network.predict(x), to: path("y.npy"))
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Writes an array as NumPy does, of format version 1.
    static func write(_ tensor: Tensor, to path: String) throws {
        let extents = tensor.shape.map { "\($0)," }.joined(separator: " ")
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
        var bytes = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) + [1, 0]
        bytes += [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)]
        bytes += Array(header.utf8)
        for scalar in tensor.scalars {
            withUnsafeBytes(of: scalar.bitPattern.littleEndian) { bytes += $0 }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// The model's file with one operator renamed, to another of as many letters.
    func renaming(_ operation: String, to other: String) throws -> String {
        var data = try Data(contentsOf: URL(fileURLWithPath: model))
        while let range = data.range(of: Data(operation.utf8)) {
            data.replaceSubrange(range, with: Data(other.utf8))
        }
        try data.write(to: URL(fileURLWithPath: path("other.onnx")))
        return path("other.onnx")
    }

    func check(_ arguments: [String]) throws -> Subprocess { try Tool.run(["check"] + arguments) }
}

private func withModel(_ body: (ExportedModel) throws -> Void) throws {
    try withTemporaryFolder { try body(ExportedModel(in: $0)) }
}

@Suite struct ModelCommandTests {
    @Test func checkAgreesWithWhatTheNetworkGives() throws {
        try withModel { files in
            let run = try files.check([
                files.model, "--inputs", files.path("x.npy"), "--outputs", files.path("y.npy"),
            ])
            #expect(run.status == 0, "\(run)")
            #expect(run.output.contains("[2, 5], largest error "), "\(run)")
            #expect(run.output.hasSuffix(", agrees\n"), "\(run)")
        }
    }

    /// One number that is off by more than is allowed, and the same with room for it.
    @Test func checkFindsANumberThatIsOff() throws {
        try withModel { files in
            var numbers = try files.network.predict(files.x).scalars
            numbers[7] += 0.01
            try ExportedModel.write(
                Tensor(shape: [2, 5], scalars: numbers), to: files.path("wrong.npy"))
            let arguments = [
                files.model, "--inputs", files.path("x.npy"), "--outputs", files.path("wrong.npy"),
            ]
            let run = try files.check(arguments)
            #expect(run.status == 1, "\(run)")
            #expect(run.output.contains("at 7, 1 of 10 numbers differ"), "\(run)")
            #expect(run.error.hasPrefix("convnet: differs in "), "\(run)")
            #expect(try files.check(arguments + ["--atol", "0.02"]).status == 0)
        }
    }

    @Test func checkComparesShapes() throws {
        try withModel { files in
            let y = try files.network.predict(files.x)
            try ExportedModel.write(y.reshaped(to: [5, 2]), to: files.path("wrong.npy"))
            let run = try files.check([
                files.model, "--inputs", files.path("x.npy"), "--outputs", files.path("wrong.npy"),
            ])
            #expect(run.status == 1, "\(run)")
            #expect(run.output.hasSuffix("shape [2, 5], expected [5, 2]\n"), "\(run)")
        }
    }

    @Test func checkNamesTheFirstNodeThatDiffers() throws {
        try withModel { files in
            let each = files.folder.appendingPathComponent("each")
            try FileManager.default.createDirectory(at: each, withIntermediateDirectories: true)
            let network = try Network(onnx: URL(fileURLWithPath: files.model))
            let names = network.graph.nodes.map(\.name)
            let input = network.graph.inputs[0].name
            let values = try network.predict([input: files.x], outputs: names)
            for (place, name) in names.enumerated() {
                var numbers = try #require(values[name]).scalars
                if place >= 2 { numbers[0] += 1 }
                try ExportedModel.write(
                    Tensor(shape: #require(values[name]).shape, scalars: numbers),
                    to: each.appendingPathComponent(
                        name.replacingOccurrences(of: "/", with: "_") + ".npy"
                    ).path)
            }
            let run = try files.check([
                "--each", files.model, "--inputs", files.path("x.npy"), "--outputs", each.path,
            ])
            #expect(run.status == 1, "\(run)")
            #expect(run.error == "convnet: the first node that differs is \(names[2])\n", "\(run)")
            #expect(run.output.split(separator: "\n").count == 3, "\(run)")
        }
    }

    @Test func whatCanNotBeRunIsListed() throws {
        try withModel { files in
            let other = try files.renaming("Relu", to: "Rolu")
            for call in [
                [
                    "check", other, "--inputs", files.path("x.npy"), "--outputs",
                    files.path("y.npy"),
                ],
                ["info", other], ["profile", other],
                ["convert", other, files.path("out.safetensors")],
            ] {
                let run = try Tool.run(call)
                #expect(run.status == 3, "\(run)")
                let lines = run.error.split(separator: "\n")
                #expect(lines.count == 3, "\(run)")
                #expect(lines.dropLast().allSatisfy { $0.contains("(Rolu): ") }, "\(run)")
                #expect(lines.last == "convnet: \(other): 2 operators are not supported", "\(run)")
            }
        }
    }

    @Test func checkRefusesWrongCalls() throws {
        try withModel { files in
            let (x, y) = (files.path("x.npy"), files.path("y.npy"))
            for (arguments, problem) in [
                (["--inputs", x, "--outputs", y], "no model, expected a file"),
                ([files.model, "--outputs", y], "--inputs is missing"),
                (
                    [files.model, "--inputs", "", "--outputs", y],
                    "--inputs has 0 files, expected 1: "
                ),
                ([files.model, "--inputs", x, "--outputs", "\(y),\(y)"], "--outputs has 2 files"),
                ([files.path("none.onnx"), "--inputs", x, "--outputs", y], "none.onnx"),
                ([files.model, "--inputs", files.model, "--outputs", y], "no .npy file"),
                ([files.model, "--inputs", y, "--outputs", y], "[2, 5]"),
                ([files.model, "--inputs", x, "--outputs", y, "--rtol", "-1"], "--rtol is -1"),
            ] {
                let run = try files.check(arguments)
                #expect(run.status == 2, "\(run)")
                #expect(run.error.contains(problem) || problem == "no .npy file", "\(run)")
                #expect(run.error.split(separator: "\n").count == 1, "\(run)")
            }
        }
    }

    @Test func infoShowsInputsOutputsAndLayers() throws {
        try withModel { files in
            let run = try Tool.run(["info", files.model])
            #expect(run.status == 0, "\(run)")
            #expect(run.output.contains(" FLOAT ["), "\(run)")
            #expect(run.output.contains("Convolution"), "\(run)")
            #expect(run.output.contains("no batch normalization: "), "\(run)")
            let json = try Tool.run(["info", "--parameters", files.model, "--json"])
            let object = try #require(
                JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            #expect(
                object["parameters"] as? Int
                    == files.network.parameters.reduce(0) { $0 + $1.value.count })
            #expect((object["inputs"] as? [String])?.count == 1)
        }
    }

    @Test func profileHasARowPerStep() throws {
        try withModel { files in
            let run = try Tool.run(["profile", files.model, "--runs", "2", "--json"])
            #expect(run.status == 0, "\(run)")
            struct Report: Decodable {
                struct Step: Decodable {
                    let layers: [String]
                    let share: Double
                    let algorithm: String?
                }
                let steps: [Step]
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
            let network = try Network(onnx: URL(fileURLWithPath: files.model))
            #expect(
                report.steps.flatMap(\.layers).sorted() == network.graph.nodes.map(\.name).sorted())
            #expect(report.steps.first?.algorithm != nil)
            let table = try Tool.run(["profile", "--network", "simple", "--runs", "1"])
            #expect(table.status == 0, "\(table)")
            #expect(table.output.hasPrefix("step "), "\(table)")
        }
    }

    /// To a whole-network file and back.
    @Test func namesMayBePyTorchs() throws {
        try withModel { files in
            let target = files.path("state.safetensors")
            let network = files.path("network.safetensors")
            try files.network.save(to: URL(fileURLWithPath: network))
            let run = try Tool.run(["convert", network, target, "--names", "pytorch"])
            #expect(run.status == 0 && run.output == "wrote \(target)\n", "\(run)")
            let names = try Safetensors.decode(
                Data(contentsOf: URL(fileURLWithPath: target)), file: target
            ).map(\.name)
            #expect(names.contains { $0.hasSuffix(".weight") }, "\(names)")
            for (arguments, message) in [
                ([network, target, "--names", "keras"], "--names is keras, expected pytorch"),
                (
                    [network, files.path("out.onnx"), "--names", "pytorch"],
                    "--names is pytorch, expected with a network as IN and OUT.safetensors"
                ),
            ] {
                let refused = try Tool.run(["convert"] + arguments)
                #expect(refused.status == 2 && refused.error.contains(message))
            }
        }
    }

    @Test func convertedNetworksGiveTheSameAnswers() throws {
        try withModel { files in
            for (input, output) in [("model.onnx", "a.safetensors"), ("a.safetensors", "b.onnx")] {
                let run = try Tool.run(["convert", files.path(input), files.path(output)])
                #expect(run.status == 0, "\(run)")
                #expect(run.output == "wrote \(files.path(output))\n")
            }
            let expected = try files.network.predict(files.x)
            let whole = try Network(contentsOf: URL(fileURLWithPath: files.path("a.safetensors")))
            #expect(try whole.predict(files.x) == expected)
            let back = try Network(onnx: URL(fileURLWithPath: files.path("b.onnx")))
            #expect(try back.predict(files.x) == expected)
            let refused = try Tool.run(["convert", files.model, files.path("model.txt")])
            #expect(refused.status == 2, "\(refused)")
        }
    }

    /// The record "one photograph to its answer" in small: a JPEG file and a model that came as
    /// ONNX, and what the library makes of both.
    @Test func aModelAnswersForAPhotograph() throws {
        try withTemporaryFolder { folder in
            let model = folder.appendingPathComponent("model.onnx")
            try Network.smallResNet(depth: 20, classes: 5, inputShape: [3, 32, 32], seed: 2)
                .exportONNX(to: model)
            let photograph = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../Examples/Photographs/test/sun/00.jpg").standardized
            let run = try Tool.run([
                "predict", "--parameters", model.path, "--imagenet", "--json", photograph.path,
            ])
            #expect(run.status == 0, "\(run)")
            let predictions = try #require(
                CommandTests.object(run.output)["predictions"] as? [[String: Any]])
            let printed = try #require(predictions.first?["probabilities"] as? [Double])

            let pixels = try Image(contentsOf: photograph)
                .tensor(channels: 3, height: 32, width: 32)
            let logits = try Network(onnx: model).predict(
                Preprocessing.imageNet.applied(to: pixels))
            let expected = try Probabilities.rows(of: logits)[0]
            #expect(printed.count == 5)
            for (number, exact) in zip(printed, expected) {
                // Foundation reads decimals to a unit of the last place or two.
                #expect(abs(number - exact) <= 4 * exact.ulp)
            }
        }
    }
}
