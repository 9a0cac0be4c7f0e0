// SPDX-License-Identifier: MIT
//
// Whole networks: any bytes give a network or a `FileError`; a network that is small enough
// predicts, or says why not.

import Foundation
import Fuzzer

@testable import ConvNet

@_cdecl("FuzzNetwork_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzNetwork)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzNetwork(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let data = Data(UnsafeBufferPointer(start: start, count: count))
    do {
        let contents = try Safetensors.contents(of: data, file: "input")
        let network = try Network(contents, file: "input", kernels: NativeKernels(threads: 1))
        try use(network)
    } catch {
        precondition(error is FileError)
    }
    return 0
}

/// A prediction and a gradient, where no value of a sample has more than some elements.
private func use(_ network: Network) throws {
    let shapes = network.graph.inputs.map(\.shape) + network.graph.nodes.map(\.shape)
    guard shapes.allSatisfy({ isSmall($0) }) else { return }
    do {
        var inputs: [String: Tensor] = [:]
        for input in network.graph.inputs {
            inputs[input.name] = try Tensor(shape: [1] + input.shape, repeating: 0.5)
        }
        _ = try network.predict(inputs)
        if let x = inputs.values.first, inputs.count == 1, network.graph.outputs.count == 1 {
            _ = try network.gradient(x, labels: [0])
        }
        _ = try network.summary()
    } catch {
        precondition(error is TensorError)
    }
}

private func isSmall(_ shape: [Int]) -> Bool {
    var elements = 1
    for extent in shape {
        elements = elements.multipliedReportingOverflow(by: extent).partialValue
        guard elements <= 1 << 12 else { return false }
    }
    return true
}
