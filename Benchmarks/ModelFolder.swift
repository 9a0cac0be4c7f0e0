// SPDX-License-Identifier: MIT
//
// A folder of ONNX files to measure. Beside NAME.onnx may lie NAME.input.npy, some images, and
// NAME.output.npy, what another library makes of them.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

struct ModelFolder: Sendable {
    private let url: URL
    /// The names of the files in it, without `.onnx`, sorted.
    let names: [String]

    /// The folder that `--models` names, or CONVNET_MODELS; nil where neither does.
    ///
    /// - Throws: ``UsageError`` when it has no ONNX file.
    init?(
        _ options: Options, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(UsageError) {
        let variable = environment["CONVNET_MODELS"].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = options.string("models") ?? variable else { return nil }
        let source = options.has("models") ? "--models" : "CONVNET_MODELS"
        let files = try? FileManager.default.contentsOfDirectory(atPath: path)
        url = URL(fileURLWithPath: path)
        names = (files ?? []).filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }
            .sorted()
        if names.isEmpty {
            throw UsageError("\(source) is \(path), expected a folder with ONNX files")
        }
    }

    /// The network of a file.
    func network(_ name: String, kernels: any Kernels) throws -> Network {
        try Network(onnx: url.appendingPathComponent("\(name).onnx"), kernels: kernels)
    }

    /// The images beside a file.
    func images(_ name: String) throws -> Tensor? { try array("\(name).input.npy") }

    /// What another library makes of all of them.
    func outputs(_ name: String) throws -> Tensor? { try array("\(name).output.npy") }

    private func array(_ name: String) throws -> Tensor? {
        let file = url.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try NumPy.array(contentsOf: file).converted(to: .float32)
    }
}
