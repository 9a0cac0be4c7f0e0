// SPDX-License-Identifier: MIT
//
// The commands that draw, and the one that looks at pictures.

import ConvNetData
import ConvNetImages
import ConvNetPlots
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet
@testable import ConvNetCommands

@Suite struct PictureCommandTests {
    /// A folder with a network's parameters and a picture of some size and colours.
    private static func withFiles(
        _ body: (_ folder: URL, _ parameters: String, _ image: String) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let parameters = folder.appendingPathComponent("network.safetensors")
            let image = folder.appendingPathComponent("image.png")
            try SimpleConvNet(seed: 3, initialization: .he).saveParameters(to: parameters)
            try Picture.filters(
                Tensor(shape: [2, 3, 1, 2], scalars: (0..<12).map { Float($0) - 5 })
            ).write(to: image)
            try body(folder, parameters.path, image.path)
        }
    }

    @Test(arguments: ["png", "svg"]) func filtersAreDrawn(_ format: String) throws {
        try Self.withFiles { folder, parameters, _ in
            let sizes = try [[], ["--seed", "3"], ["--before", parameters]].map { more in
                let out = folder.appendingPathComponent("filters.\(format)")
                let run = try Tool.run(
                    ["show", "filters", "--parameters", parameters, "--out", out.path] + more)
                #expect(run.status == 0, "\(run)")
                #expect(run.output == "wrote \(out.path)\n")
                #expect(run.error == "")
                return try Data(contentsOf: out).count
            }
            #expect(sizes[0] < sizes[1])
        }
    }

    /// Coloured filters, of an ONNX file as of parameters.
    @Test func filtersOfAnONNXFileAreDrawn() throws {
        try withTemporaryFolder { folder in
            let files = ["network.onnx", "network.safetensors"].map(folder.appendingPathComponent)
            let network = try Network.smallResNet(depth: 8, seed: 2)
            try network.exportONNX(to: files[0])
            try network.save(to: files[1])
            let pictures = try files.map { file in
                let out = folder.appendingPathComponent("filters.png")
                let run = try Tool.run([
                    "show", "filters", "--parameters", file.path, "--out", out.path,
                ])
                #expect(run.status == 0, "\(run)")
                return try Data(contentsOf: out)
            }
            #expect(pictures[0] == pictures[1])
        }
    }

    /// Weights that are drawn from the seed that the file was drawn from are the file's.
    @Test func aSeedDrawsWhatTrainingBegins() throws {
        try Self.withFiles { folder, _, _ in
            let trained = folder.appendingPathComponent("trained.safetensors").path
            let begun = folder.appendingPathComponent("begun.safetensors")
            _ = try Tool.run([
                "train", "--limit", "10", "--epochs", "1", "--seed", "5", "--out", trained,
            ])
            try SimpleConvNet(seed: 5).saveParameters(to: begun)
            let pictures = try [["--seed", "5"], ["--before", begun.path]].map { more in
                let out = folder.appendingPathComponent("out.png")
                let run = try Tool.run(
                    ["show", "filters", "--parameters", trained, "--out", out.path] + more)
                #expect(run.status == 0, "\(run)")
                return try Data(contentsOf: out)
            }
            #expect(pictures[0] == pictures[1])
        }
    }

    @Test func responsesAndFeaturesAreDrawn() throws {
        try Self.withFiles { folder, parameters, image in
            for arguments in [
                ["responses", image], ["responses", image, "--limit", "4", "--invert"],
                ["features", image], ["features", "--image", "7", "--channels", "30"],
            ] {
                let out = folder.appendingPathComponent("out.png")
                let run = try Tool.run(
                    ["show"] + arguments + ["--parameters", parameters, "--out", out.path])
                #expect(run.status == 0, "\(run)")
                #expect(run.output == "wrote \(out.path)\n")
                #expect(try Image(contentsOf: out).width > 300)
                try FileManager.default.removeItem(at: out)
            }
        }
    }

    /// By a name, and from files that describe their network or not.
    @Test func graphsAreDrawn() throws {
        try Self.withFiles { folder, parameters, _ in
            let described = folder.appendingPathComponent("described.safetensors")
            try SimpleConvNet(seed: 1).save(to: described)
            var files: [Data] = []
            for arguments in [
                [], ["--parameters", parameters], ["--parameters", described.path],
                ["--network", "resnet20"],
            ] {
                let out = folder.appendingPathComponent("graph.svg")
                let run = try Tool.run(["show", "graph", "--out", out.path] + arguments)
                #expect(run.status == 0, "\(run)")
                #expect(run.output == "wrote \(out.path)\n")
                files.append(try Data(contentsOf: out))
            }
            #expect(files[1] == files[0] && files[2] == files[0])
            #expect(files[3].count > files[0].count)
            let out = folder.appendingPathComponent("graph.png")
            let run = try Tool.run(["show", "graph", "--network", "unet", "--out", out.path])
            #expect(run.status == 0, "\(run)")
            #expect(try Image(contentsOf: out).width > 300)
        }
    }

    @Test func predictTellsWhatTheNetworkSees() throws {
        try Self.withFiles { folder, parameters, image in
            var network = try SimpleConvNet(seed: 0)
            try network.loadParameters(from: URL(fileURLWithPath: parameters))
            var answers: [[Double]] = []
            for inverted in [false, true] {
                let run = try Tool.run(
                    ["predict", image, image, "--parameters", parameters, "--json"]
                        + (inverted ? ["--invert"] : []))
                #expect(run.status == 0, "\(run)")
                let predictions = try #require(
                    CommandTests.object(run.output)["predictions"] as? [[String: Any]])
                #expect(predictions.count == 2)
                let x = try Image(contentsOf: URL(fileURLWithPath: image))
                    .tensor(channels: 1, height: 28, width: 28, inverted: inverted)
                let expected = try network.predict(x).argmaxOfRows()[0]
                #expect(predictions[0]["class"] as? Int == expected)
                #expect(predictions[0]["image"] as? String == image)
                let probabilities = try #require(predictions[0]["probabilities"] as? [Double])
                #expect(probabilities.count == 10)
                #expect(abs(probabilities.reduce(0, +) - 1) <= 1e-14)
                #expect(predictions[0]["probability"] as? Double == probabilities[expected])
                answers.append(probabilities)
            }
            #expect(answers[0] != answers[1])

            let run = try Tool.run(["predict", image, "--parameters", parameters, "--top", "3"])
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 4, "\(run)")
            #expect(lines[0].wholeMatch(of: /.*image\.png: \d/) != nil)
            #expect(
                lines[1].wholeMatch(of: #/  \d  [ \d]{3}\.\d %  █*[▏▎▍▌▋▊▉]?/#) != nil, "\(run)")
        }
    }

    @Test func chartsAreSortedAndExact() {
        #expect(
            PredictCommand.chart(of: [0.25, 0, 0.75], top: 9) == """
                  2   75.0 %  ██████████████████████▌
                  0   25.0 %  ███████▌
                  1    0.0 %
                """)
        #expect(
            PredictCommand.chart(of: Array(repeating: 0.05, count: 20), top: 1)
                == "   0    5.0 %  █▌")
    }

    @Test func probabilitiesDoNotOverflow() throws {
        let rows = try Probabilities.rows(of: Tensor(shape: [2, 2], scalars: [1e30, 0, 3, 3]))
        #expect(rows == [[1, 0], [0.5, 0.5]])
        #expect(throws: TensorError.self) {
            try Probabilities.rows(of: Tensor(shape: [1, 2], scalars: [.nan, 0]))
        }
    }

    /// Counting for the picture gives what counting without it gives.
    @Test func evaluateDrawsWhatItCounts() throws {
        try Self.withFiles { folder, parameters, _ in
            let out = folder.appendingPathComponent("confusion.svg").path
            let arguments = ["evaluate", "--parameters", parameters, "--limit", "130", "--json"]
            let plain = try CommandTests.object(Tool.run(arguments).output)
            let run = try Tool.run(arguments + ["--plot", out])
            #expect(run.status == 0, "\(run)")
            let drawn = try CommandTests.object(run.output)
            #expect(plain["confusion"] == nil)
            let counts = try #require(drawn["confusion"] as? [[Int]])
            #expect(counts.count == 10)
            #expect(counts.joined().reduce(0, +) == 130)
            #expect(plain["correct"] as? Int == counts.indices.map { counts[$0][$0] }.reduce(0, +))
            #expect(plain["correct"] as? Int == drawn["correct"] as? Int)
            #expect(drawn["plot"] as? String == out)
            #expect(FileManager.default.fileExists(atPath: out))
        }
    }

    @Test func trainDrawsItsCurves() throws {
        try withTemporaryFolder { folder in
            let out = folder.appendingPathComponent("curves.png")
            let run = try Tool.run(
                ["train", "--limit", "60", "--epochs", "2", "--plot", out.path])
            #expect(run.status == 0, "\(run)")
            #expect(run.lastLine == "wrote \(out.path)")
            #expect(try Image(contentsOf: out).width > 800)
        }
    }

    @Test func damagedImagesAreNamed() throws {
        try Self.withFiles { folder, parameters, image in
            let out = folder.appendingPathComponent("out.png").path
            let whole = try Data(contentsOf: URL(fileURLWithPath: image))
            try whole.dropLast(100).write(to: URL(fileURLWithPath: image))
            // The chunk that is cut: four bytes of its length before its name.
            let name = try #require(whole.range(of: Data("IDAT".utf8))).lowerBound
            let length = whole[name - 4..<name].reduce(0) { $0 << 8 | Int($1) }
            for command in [["predict"], ["show", "responses"], ["show", "features"]] {
                let run = try Tool.run(
                    command + [image, "--parameters", parameters]
                        + (command == ["predict"] ? [] : ["--out", out]))
                #expect(
                    run.error == "convnet: \(image): the file ends inside chunk IDAT at byte "
                        + "\(name - 4), which claims \(length) bytes, expected a whole PNG file\n",
                    "\(run)")
                #expect(run.status == 1)
            }
            #expect(!FileManager.default.fileExists(atPath: out))
        }
    }

    @Test func parametersWithoutFiltersAreNamed() throws {
        try Self.withFiles { folder, _, image in
            let file = folder.appendingPathComponent("no-filters.safetensors")
            try Safetensors.encode([("W1", Tensor(zeros: [2, 3]))]).write(to: file)
            let out = folder.appendingPathComponent("out.png").path
            for command in [["filters"], ["responses", image]] {
                let run = try Tool.run(
                    ["show"] + command + ["--parameters", file.path, "--out", out])
                #expect(
                    run.error == "convnet: \(file.path): has no filters, "
                        + "expected a tensor W1, W2 or so on of four axes\n")
                #expect(run.status == 1)
            }
        }
    }
}
