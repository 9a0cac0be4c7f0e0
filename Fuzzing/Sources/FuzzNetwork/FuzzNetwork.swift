// SPDX-License-Identifier: MIT
//
// Whole networks: any bytes give a network or a `ParameterFileError`; a network that is small enough
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
        precondition(error is ParameterFileError)
    }
    return 0
}

/// A prediction and a step of training, where no layer makes more of a sample than some numbers.
private func use(_ network: Network) throws {
    var shape = [1] + network.inputShape
    guard shape.reduce(1, *) <= 1 << 12 else { return }
    for named in network.layers {
        guard let next = try? named.layer.outputShape(for: shape) else { return }
        shape = next
        guard shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) <= 1 << 12
        else { return }
    }
    do {
        let x = try Tensor(shape: [1] + network.inputShape, repeating: 0.5)
        _ = try network.predict(x)
        _ = try network.gradient(x, labels: [0])
        _ = try network.summary()
    } catch {
        precondition(error is TensorError)
    }
}
