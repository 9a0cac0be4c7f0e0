// SPDX-License-Identifier: MIT
//
// convnet check-gradients: backpropagation against central differences, through the kernels in
// plain Swift, in Double.

import ConvNet
import ConvNetOptions
import ConvNetReference

enum CheckGradientsCommand: Command {
    static let name = "check-gradients"
    static let summary = "Compares a network's gradients with central differences, in Double."
    static let operands = ""
    static let example = "convnet check-gradients --network simple --elements 50"
    static let options = [
        Networks.option,
        Option("seed", "N", "What weights, images and elements are drawn from; 1."),
        Option("samples", "N", "Images in the batch; 2."),
        Option("elements", "N", "Elements of each parameter that are checked; 10."),
        Option("json", "Report as JSON."),
    ]

    /// Gradients that are wrong.
    struct Failure: Error, CustomStringConvertible {
        let parameters: [String]

        var description: String {
            "the gradients of \(parameters.joined(separator: ", ")) are further from central "
                + "differences than rounding and truncation explain"
        }
    }

    static func run(_ options: Options) throws {
        try Networks.requireClassifier(options)
        let seed = UInt64(try options.int("seed", atLeast: 0) ?? 1)
        let samples = try options.int("samples") ?? 2
        let elements = try options.int("elements") ?? 10
        let model = try Networks.make(
            options, seed: seed, initialization: .he, for: .digits, kernels: ReferenceKernels())
        let check = try check(model, seed: seed, samples: samples, elements: elements)
        if options.has("json") {
            try CommandLineTool.printJSON(Report(check))
        } else {
            print(table(check))
        }
        guard check.passed else {
            throw Failure(parameters: check.rows.filter { !$0.passed }.map(\.parameter))
        }
    }

    private static func check(
        _ model: some Classifier, seed: UInt64, samples: Int, elements: Int
    ) throws -> GradientCheck {
        var model = model
        var generator = Philox(seed: seed, stream: 0x4752_4144)
        // Biases begin at 0, where a unit without input sits on its ReLU's corner.
        try model.network.replaceParameters(
            model.parameters.map { _, value in
                guard value.shape.count == 1, value.doubles.allSatisfy({ $0 == 0 }) else {
                    return value
                }
                return try Tensor(normal: value.shape, standardDeviation: 0.1, using: &generator)
            })
        let x = try Tensor(
            normal: [samples] + model.network.inputShape, standardDeviation: 1, using: &generator)
        let classes = UInt64(model.network.outputShape[0])
        let labels = (0..<samples).map { _ in Int(generator.next() % classes) }
        return try GradientCheck(
            of: model, x, labels: labels, on: ReferenceKernels(), elements: elements, seed: seed)
    }

    private struct Report: Encodable {
        struct Parameter: Encodable {
            let name: String
            let shape: [Int]
            let checked: Int
            let largest_difference: Double
            let bound: Double
            let passed: Bool
        }
        let passed: Bool
        let parameters: [Parameter]

        init(_ check: GradientCheck) {
            passed = check.passed
            // JSON has no infinity; what failed without a number is as far off as numbers go.
            parameters = check.rows.map {
                Parameter(
                    name: $0.parameter, shape: $0.shape, checked: $0.checked,
                    largest_difference: $0.largestDifference.isFinite
                        ? $0.largestDifference : .greatestFiniteMagnitude,
                    bound: $0.bound.isFinite ? $0.bound : .greatestFiniteMagnitude,
                    passed: $0.passed)
            }
        }
    }

    private static func table(_ check: GradientCheck) -> String {
        var lines = [["parameter", "shape", "checked", "difference", "bound", "verdict"]]
        for row in check.rows {
            lines.append([
                row.parameter, "\(row.shape)", "\(row.checked)",
                format("%.1e", row.largestDifference), format("%.1e", row.bound),
                row.passed ? "right" : "WRONG",
            ])
        }
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { text, width in
                text + String(repeating: " ", count: width - text.count)
            }.joined(separator: "  ")
        }.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
            .joined(separator: "\n")
    }
}
