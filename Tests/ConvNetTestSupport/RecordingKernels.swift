// SPDX-License-Identifier: MIT
//
// Kernels that write down which operations they were asked for, and the list of those that there
// are: so that an operation without a test is noticed.

package import ConvNetTensor
import Foundation

/// Kernels that do what others do and remember the requirements of ``Kernels`` that were called.
package struct RecordingKernels<Right: Kernels>: ForwardingKernels {
    package let right: Right
    private let record: CallRecord

    /// Kernels that remember what is asked of `right`.
    package init(_ right: Right) { self.init(right, CallRecord()) }

    private init(_ right: Right, _ record: CallRecord) {
        self.right = right
        self.record = record
    }

    package var name: String { right.name }
    package var threads: Int { right.threads }

    /// The requirements that were called, such as `addBias(_:to:)`.
    package var calls: Set<String> { record.names }

    package func willCall(_ requirement: String) { record.add(requirement) }

    package func running(onThreads threads: Int) throws(TensorError) -> Self {
        Self(try right.running(onThreads: threads), record)
    }

    // Beside what `ForwardingKernels` forwards, what is by default made of other operations.

    package func affine(
        _ x: Tensor, weights: Tensor, bias: Tensor, rectified: Bool
    ) throws -> Tensor {
        willCall(#function)
        return try right.affine(x, weights: weights, bias: bias, rectified: rectified)
    }

    package func convolution(
        _ x: Tensor, channels: Range<Int>, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, into output: inout Tensor,
        fromChannel first: Int
    ) throws {
        willCall(#function)
        try right.convolution(
            x, channels: channels, weights: weights, prepacked: prepacked, descriptor,
            epilogue: epilogue, into: &output, fromChannel: first)
    }

    package func batchNormalization(
        _ x: Tensor, _ normalization: ChannelNormalization, addend: Tensor?,
        activation: Activation?
    ) throws -> Tensor {
        willCall(#function)
        return try right.batchNormalization(
            x, normalization, addend: addend, activation: activation)
    }

    package func batchNormalizationGradient(
        _ outputGradient: Tensor, input x: Tensor, _ normalization: ChannelNormalization,
        activation: Activation
    ) throws -> BatchNormalizationGradient {
        willCall(#function)
        return try right.batchNormalizationGradient(
            outputGradient, input: x, normalization, activation: activation)
    }

    package func convolution(
        _ x: Tensor, _ first: ConvolutionStage, then second: ConvolutionStage
    ) throws -> Tensor {
        willCall(#function)
        return try right.convolution(x, first, then: second)
    }
}

private final class CallRecord: @unchecked Sendable {
    private let lock = NSLock()
    private var calls: Set<String> = []

    var names: Set<String> { lock.withLock { calls } }
    func add(_ name: String) { lock.withLock { _ = calls.insert(name) } }
}

/// The requirements of ``Kernels``, read from its source: the code itself has no list of them.
package enum KernelRequirements {
    /// The operations, such as `addBias(_:to:)`: all functions but `running(onThreads:)`, which
    /// computes nothing.
    package static func operations() throws -> Set<String> {
        let folder = URL(fileURLWithPath: #filePath)
            .appendingPathComponent("../../../Sources/ConvNetTensor").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        let source = try files.filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        return functions(of: "Kernels", in: source).subtracting(["running(onThreads:)"])
    }

    /// The functions that a protocol requires, and those that it inherits from protocols of the
    /// same source.
    static func functions(of name: String, in source: String) -> Set<String> {
        guard let start = source.range(of: "public protocol \(name):"),
            let brace = source[start.upperBound...].firstIndex(of: "{"),
            let end = source[brace...].range(of: "\n}\n")
        else { return [] }
        let inherited = source[start.upperBound..<brace].split(separator: ",")
            .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let body = source[brace..<end.lowerBound].split(separator: "\n")
            .filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
            .joined(separator: " ")
        let own = body.matches(of: /func (\w+)\(([^)]*)\)/).map { match in
            let labels = match.2.split(separator: ",").compactMap { parameter in
                parameter.split(whereSeparator: { $0 == " " || $0 == ":" }).first
            }
            return "\(match.1)(\(labels.map { "\($0):" }.joined()))"
        }
        return inherited.reduce(into: Set(own)) { $0.formUnion(functions(of: $1, in: source)) }
    }
}
