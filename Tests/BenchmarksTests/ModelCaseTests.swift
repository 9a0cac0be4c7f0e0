// SPDX-License-Identifier: MIT
//
// The networks of today in the benchmark: their figures, where their files come from, and that what
// is wrong with them is found.

import ConvNet
import ConvNetOptions
import ConvNetReference
import ConvNetTestSupport
import Foundation
import Testing

@testable import Benchmarks

/// NumPy's file of a tensor (format version 1).
private func npy(_ tensor: Tensor) throws -> Data {
    let shape = tensor.shape.map(String.init).joined(separator: ", ")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    var data = Data([0x93]) + Data("NUMPY\u{1}\u{0}".utf8)
    data += Data([UInt8(header.utf8.count), 0]) + Data(header.utf8)
    for number in tensor.doubles {
        withUnsafeBytes(of: Float(number).bitPattern.littleEndian) { data += Data($0) }
    }
    return data
}

@Suite struct ModelCaseTests {
    /// The figures that rates are made of are those of the networks.
    @Test(arguments: BenchmarkModel.all.filter { $0.make != nil }.map(\.name))
    func figuresAreTheNetworks(_ name: String) throws {
        let model = try #require(BenchmarkModel.all.first { $0.name == name })
        let network = try #require(try model.make?(NativeKernels()))
        let summary = try network.summary()
        #expect(model.inputShape == Array(summary.inputShape.dropFirst()))
        #expect(model.parameterCount == summary.parameterCount)
        let products =
            summary.rows.filter {
                ["Convolution", "TransposedConvolution", "Affine"].contains($0.type)
            }.map(\.operationCount).reduce(0, +) / 2
        #expect(model.products == products)
    }

    /// A small residual network, with and without branches that change the shape.
    private static let small = BenchmarkModel(
        name: "small", inputShape: [3, 12, 12], products: 1_000_000, parameterCount: 1,
        trainingBatch: 4
    ) { try .smallResNet(depth: 8, classes: 7, inputShape: [3, 12, 12], seed: 3, kernels: $0) }

    private static func check(
        _ row: String, of model: BenchmarkModel = small, _ fault: PlantedFault? = nil,
        in folder: ModelFolder? = nil
    ) throws -> Check {
        let benchmark = try #require(
            ModelCases.cases(of: model).first { $0.name == "\(row).\(model.name)" })
        let kernels = PlantedKernels(right: try NativeKernels(threads: 2), fault: fault)
        return try benchmark.prepare(
            Run(
                kernels: kernels, reference: ReferenceKernels(), referenceBudget: 10_000_000,
                models: folder)
        ).check()
    }

    @Test(arguments: ["predict1", "predict8", "train"])
    func rightKernelsPass(_ row: String) throws {
        let check = try Self.check(row)
        #expect(check.passed, "\(check.maxError) of \(check.errorBound)")
        #expect(check.errorBound < 1e-3)
    }

    @Test(arguments: [
        ("predict1", PlantedFault.Kind.weight), ("predict8", .tap), ("predict1", .bias),
        ("train", .weight), ("train", .weightBackward), ("train", .tapBackward),
        ("train", .gradient),
    ])
    func aFaultIsFound(_ row: String, _ kind: PlantedFault.Kind) throws {
        for shape in [[16, 16, 3, 3], [32, 16, 3, 3], [64, 32, 1, 1]] {
            let fault = PlantedFault(kind: kind, weightsShape: shape, position: 0.4)
            #expect(try !Self.check(row, fault).passed, "\(row): \(fault.testDescription)")
        }
    }

    /// What another library makes of the images is compared, and shows what is wrong with a file.
    @Test func filesAreCompared() throws {
        try withTemporaryFolder { folder in
            let network = try #require(try Self.small.make?(NativeKernels()))
            try network.exportONNX(to: folder.appendingPathComponent("mine.onnx"))
            let images = try Inputs.tensor([2, 3, 12, 12], seed: 5)
            var output = try network.predict(images).doubles
            try npy(images).write(to: folder.appendingPathComponent("mine.input.npy"))
            let outputs = folder.appendingPathComponent("mine.output.npy")
            try npy(Tensor(shape: [2, 7], doubles: output)).write(to: outputs)
            let models = try #require(try Self.models(folder))
            let cases = try ModelCases.others(in: models)
            #expect(cases.map(\.name) == ["predict1.mine", "predict8.mine"])
            #expect(cases.map(\.sizes) == ["1 image, 3×12×12", "8 images, 3×12×12"])
            let model = BenchmarkModel(
                name: "mine", inputShape: [3, 12, 12], products: 1, parameterCount: 1)
            #expect(try Self.check("predict8", of: model, in: models).passed)
            output[9] += 2e-4 * (output.map(abs).max() ?? 0)
            try npy(Tensor(shape: [2, 7], doubles: output)).write(to: outputs)
            #expect(try !Self.check("predict8", of: model, in: models).passed)
        }
    }

    private static func models(_ folder: URL) throws -> ModelFolder? {
        try ModelFolder(
            Options(["--models", folder.path], declared: [Option("models", "FOLDER", "")]),
            environment: [:])
    }

    @Test func foldersWithoutFilesAreRefused() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: UsageError.self) { try Self.models(folder) }
            #expect(
                error?.description
                    == "--models is \(folder.path), expected a folder with ONNX files")
        }
        let none = try Options([], declared: [Option("models", "FOLDER", "")])
        #expect(try ModelFolder(none, environment: ["CONVNET_MODELS": ""]) == nil)
        let error = #expect(throws: UsageError.self) {
            try ModelFolder(none, environment: ["CONVNET_MODELS": "/nowhere"])
        }
        #expect(
            error?.description
                == "CONVNET_MODELS is /nowhere, expected a folder with ONNX files")
    }

    /// Cases that need a file are listed, and marked.
    @Test func aMissingFileIsNamed() throws {
        let error = #expect(throws: UsageError.self) {
            try CaseSelectionTests.selection("--filter=vgg11")
        }
        #expect(
            error?.description
                == "predict1.vgg11 needs --models with a folder that has vgg11.onnx")
        let list = try CaseSelectionTests.selection().list(isForPeople: true)
        let line = try #require(list.split(separator: "\n").first { $0.contains("predict8.vgg11") })
        #expect(line.contains("8 images, 3×224×224") && line.hasSuffix("  with --models"))
    }
}
