// SPDX-License-Identifier: MIT
//
// Networks with branches that commands know by name: made for what they were published for, or for
// the images that there are.

import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNet
@testable import ConvNetCommands

@Suite struct NamedNetworkTests {
    /// Input, parameters and classes of each; the parameters are torchvision's numbers where it has
    /// the network.
    @Test(arguments: [
        ("resnet18", [3, 224, 224], 11_689_512, [1000]),
        ("resnet34", [3, 224, 224], 21_797_672, [1000]),
        ("resnet50", [3, 224, 224], 25_557_032, [1000]),
        ("mobilenet_v2", [3, 224, 224], 3_504_872, [1000]),
        ("squeezenet1_1", [3, 224, 224], 1_235_496, [1000]),
        ("resnet20", [3, 32, 32], 272_474, [10]), ("resnet32", [3, 32, 32], 466_906, [10]),
        ("resnet56", [3, 32, 32], 855_770, [10]), ("unet", [3, 128, 128], 466_562, [2, 128, 128]),
    ])
    func infoShowsEach(_ name: String, input: [Int], parameters: Int, output: [Int]) throws {
        let run = try Tool.run(["info", "--network", name, "--json"])
        #expect(run.status == 0, "\(run)")
        let info = try CommandTests.object(run.output)
        #expect(info["input_shape"] as? [Int] == [1] + input)
        #expect(info["parameters"] as? Int == parameters)
        let layers = try #require(info["layers"] as? [[String: Any]])
        #expect(layers.last?["output_shape"] as? [Int] == [1] + output)
        #expect(layers.contains { ($0["inputs"] as? [String])?.count == 2 })
    }

    /// The tests know each name.
    @Test func namesAreThoseOfTheTable() {
        #expect(Set(NamedGraph.all.map(\.name)).count == 9)
        #expect(Networks.names.count == 13)
    }

    /// Parameters without a description, as other programs write them.
    @Test(arguments: ["mobilenet_v2", "squeezenet1_1", "resnet20", "resnet32", "resnet56", "unet"])
    func parametersAreExported(_ name: String) throws {
        try withTemporaryFolder { folder in
            let graph = try #require(NamedGraph.all.first { $0.name == name })
            let parameters = folder.appendingPathComponent("parameters.safetensors")
            try graph.build(graph.images, 1, NativeKernels()).saveParameters(to: parameters)
            let out = folder.appendingPathComponent("network.onnx")
            let run = try Tool.run([
                "export", "--network", name, "--parameters", parameters.path, "--out", out.path,
            ])
            #expect(run.status == 0, "\(run)")
            #expect(run.output == "wrote \(out.path)\n")
        }
    }

    /// A network for coloured images learns gray digits: one channel, ten classes. What it wrote is
    /// evaluated, with its name or without, and looked at.
    @Test func aResidualNetworkTrainsOnDigits() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("digits.safetensors").path
            let run = try Tool.run([
                "train", "--network", "resnet20", "--limit", "200", "--epochs", "1", "--out", file,
            ])
            #expect(run.status == 0, "\(run)")
            let network = try Network(contentsOf: URL(fileURLWithPath: file))
            #expect(network.inputShape == [1, 28, 28])
            #expect(network.outputShape == [10])
            let runs = try [[], ["--network", "resnet20"]].map { more in
                try Tool.run(["evaluate", "--parameters", file, "--limit", "50"] + more)
            }
            #expect(runs[0].status == 0, "\(runs[0])")
            #expect(runs[0].output == runs[1].output)
            let out = folder.appendingPathComponent("network.onnx").path
            let export = try Tool.run([
                "export", "--network", "resnet20", "--parameters", file, "--out", out,
            ])
            #expect(export.status == 0, "\(export)")
            let picture = folder.appendingPathComponent("filters.png").path
            let show = try Tool.run([
                "show", "filters", "--network", "resnet20", "--parameters", file, "--seed", "1",
                "--out", picture,
            ])
            #expect(show.status == 0, "\(show)")
        }
    }

    /// Digits of 28×28 are small for networks for photographs.
    @Test(arguments: ["mobilenet_v2", "squeezenet1_1", "resnet18"])
    func photographersTakeDigitsToo(_ name: String) throws {
        let graph = try #require(NamedGraph.all.first { $0.name == name })
        let network = try graph.build(.digits, 1, NativeKernels())
        #expect(try network.predict(Tensor(zeros: [2, 1, 28, 28])).shape == [2, 10])
    }
}
