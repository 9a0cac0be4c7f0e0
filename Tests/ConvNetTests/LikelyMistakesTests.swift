// SPDX-License-Identifier: MIT
//
// What the compiler says about initializers that do not exist: a small program that must not
// compile, and the lines of its errors.

import ConvNetTestSupport
import Foundation
import Testing

/// The compiler on the path, and the modules that were built along with these tests.
private struct Compiler {
    let program, modules: URL

    static let found: Compiler? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        let programs = folders.map { URL(fileURLWithPath: "\($0)/swiftc") }
        let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let exists = { (url: URL) in FileManager.default.fileExists(atPath: url.path) }
        guard let program = programs.first(where: exists),
            let modules = [built.appendingPathComponent("Modules"), built].first(where: {
                exists($0.appendingPathComponent("ConvNet.swiftmodule"))
            })
        else { return nil }
        return Compiler(program: program, modules: modules)
    }()

    /// What the compiler says about a program, which it must refuse.
    func errors(of source: String) throws -> String {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("main.swift")
            try Data(source.utf8).write(to: file)
            let header = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../CSources/CConvKernels/include/CConvKernels.h").path
            try Data("module CConvKernels { header \"\(header)\" export * }".utf8)
                .write(to: folder.appendingPathComponent("module.modulemap"))
            let run = try Subprocess.run(
                program.path,
                [
                    "-typecheck", "-diagnostic-style=llvm", "-module-cache-path",
                    folder.appendingPathComponent("cache").path, "-I", modules.path, "-I",
                    folder.path, file.path,
                ])
            try #require(run.status != 0, "\(run)")
            return run.error
        }
    }
}

@Suite(.enabled(if: Compiler.found != nil, "no swiftc, or no modules beside the tests"))
struct LikelyMistakesTests {
    private static let convolution =
        "write Convolution(inputChannels: 3, outputChannels: 16, kernel: 5)"
    private static let affine = "write Affine(inputSize: 100, outputSize: 10)"
    private static let tensor = "write Tensor(shape: [2, 3], scalars: [1, 2, 3, 4, 5, 6])"

    /// A line of a program, and what its error says.
    private static let mistakes = [
        (
            "MaxPooling(2, 3)",
            "write MaxPooling(2, stride: 3), or MaxPooling(window: Window(height: 2, width: 3)) for a "
                + "window that is not square"
        ),
        ("MaxPooling(2, 3, 1)", "missing argument labels 'stride:padding:' in call"),
        ("MaxPooling(size: 2)", "extraneous argument label 'size:' in call"),
        (
            "AveragePooling(2, 3)",
            "write AveragePooling(2, stride: 3), or AveragePooling(window: Window(height: 2, width: 3)) "
                + "for a window that is not square"
        ),
        ("Convolution(3, 16, 5)", convolution),
        ("Convolution(inputChannels: 3, outputChannels: 16, kernelSize: 5)", convolution),
        ("Convolution(in: 3, out: 16, kernel: 5, padding: 2)", convolution),
        ("Affine(100, 10)", affine),
        ("Affine(in: 100, out: 10)", affine),
        ("Affine(inputs: 100, outputs: 10)", affine),
        (
            "Window(3, 5)",
            "write Window(height: 3, width: 5), or Window(3, stride: 2) for a square window"
        ),
        ("Dropout(0.5)", "missing argument label 'rate:' in call"),
        ("BatchNormalization(16)", "missing argument label 'channels:' in call"),
        ("LeakyReLU(0.1)", "missing argument label 'negativeSlope:' in call"),
        ("LocalResponseNormalization(5)", "write LocalResponseNormalization(size: 5)"),
        (
            "Tensor([1, 2, 3])",
            "write Tensor(shape: [3], scalars: [1, 2, 3]), or Tensor(zeros: [2]) for a shape"
        ),
        ("Tensor([2, 2], [1, 2, 3, 4])", tensor),
        ("Tensor(shape: [2], [1, 2])", tensor),
        ("Tensor(zeros: 2, 3)", "write Tensor(zeros: [2, 3])"),
        ("SGD(0.1)", "missing argument label 'learningRate:' in call"),
        (
            "Network([ReLU()])",
            "write Network(inputShape: [1, 28, 28], layers: [NamedLayer(\"flatten1\", Flatten())])"
        ),
    ]

    @Test func theCompilerSaysWhatToWrite() throws {
        let compiler = try #require(Compiler.found)
        let lines = Self.mistakes.map { "    _ = try \($0.0)\n" }.joined()
        let said = try compiler.errors(of: "import ConvNet\nfunc mistakes() throws {\n\(lines)}\n")
        for (index, mistake) in Self.mistakes.enumerated() {
            let place = "main.swift:\(index + 3):"
            let errors = said.split(separator: "\n").filter {
                $0.contains(place) && $0.contains(": error: ")
            }
            #expect(
                errors.count == 1 && errors[0].hasSuffix(mistake.1),
                "\(mistake.0): \(errors.joined(separator: "\n"))\n\(errors.isEmpty ? said : "")")
        }
    }
}
