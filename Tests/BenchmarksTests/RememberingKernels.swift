// SPDX-License-Identifier: MIT
//
// The reference, asked but once for each result: dozens of checks of one network, each with a fault
// of its own, ask for the same sums of the same numbers again and again.

import ConvNet
import ConvNetReference
import ConvNetTestSupport
import Synchronization

/// The reference's kernels, which remember what convolutions and their gradients gave for which
/// tensors.
struct RememberingKernels: ForwardingKernels {
    let name = "remembering"
    let right = ReferenceKernels()
    private let memory = Memory()

    private typealias Result = (output: Tensor, argmax: IndexTensor?)

    /// All that a result depends on.
    private struct Call: Hashable {
        let operation: String
        let descriptor: ConvolutionDescriptor
        var pooling: Window?
        var activation: Activation?
        var wantsArgmax = false
        var shapes: [[Int]] = []
        var scalarTypes: [ScalarType] = []
        var hash = ""
    }

    private final class Memory: Sendable {
        let results = Mutex<[Call: Result]>([:])
    }

    /// What was given before for the same arguments, or is given now.
    private func result(
        of call: Call, _ tensors: [Tensor], _ make: () throws -> Result
    ) rethrows -> Result {
        var (call, hash) = (call, ContentHash())
        for tensor in tensors {
            call.shapes.append(tensor.shape)
            call.scalarTypes.append(tensor.scalarType)
            hash.add(tensor)
        }
        call.hash = hash.text
        let key = call
        if let known = memory.results.withLock({ $0[key] }) { return known }
        let result = try make()
        memory.results.withLock { $0[key] = result }
        return result
    }

    func convolution(
        _ x: Tensor, weights: Tensor, prepacked: PrepackedFilters?,
        _ descriptor: ConvolutionDescriptor, epilogue: Epilogue, wantsArgmax: Bool
    ) throws -> (output: Tensor, argmax: IndexTensor?) {
        func make() throws -> Result {
            try right.convolution(
                x, weights: weights, prepacked: nil, descriptor, epilogue: epilogue,
                wantsArgmax: wantsArgmax)
        }
        // The networks' epilogues have no more.
        guard epilogue.normalization == nil, epilogue.addend == nil else { return try make() }
        let call = Call(
            operation: #function, descriptor: descriptor, pooling: epilogue.pooling,
            activation: epilogue.activation, wantsArgmax: wantsArgmax)
        return try result(of: call, [x, weights] + (epilogue.bias.map { [$0] } ?? []), make)
    }

    func convolutionInputGradient(
        _ outputGradient: Tensor, weights: Tensor, inputShape: [Int],
        _ descriptor: ConvolutionDescriptor
    ) throws -> Tensor {
        let call = Call(operation: #function, descriptor: descriptor, shapes: [inputShape])
        return try result(of: call, [outputGradient, weights]) {
            let gradient = try right.convolutionInputGradient(
                outputGradient, weights: weights, inputShape: inputShape, descriptor)
            return (gradient, nil)
        }.output
    }

    func convolutionWeightGradient(
        _ outputGradient: Tensor, input x: Tensor, _ descriptor: ConvolutionDescriptor,
        maxima: PooledMaxima?
    ) throws -> Tensor {
        guard maxima == nil else {
            return try right.convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: maxima)
        }
        let call = Call(operation: #function, descriptor: descriptor)
        return try result(of: call, [outputGradient, x]) {
            let gradient = try right.convolutionWeightGradient(
                outputGradient, input: x, descriptor, maxima: nil)
            return (gradient, nil)
        }.output
    }
}
