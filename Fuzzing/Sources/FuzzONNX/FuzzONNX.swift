// SPDX-License-Identifier: MIT
//
// ONNX models: any bytes give a network, a `FileError` or an `ONNXError`; a small network runs, and
// what it exports is read again.

import ConvNet
import Foundation
import Fuzzer

@_cdecl("FuzzONNX_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzONNX)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzONNX(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let network: Network
    do {
        network = try Network(onnx: bytes)
    } catch {
        precondition(error is FileError || error is ONNXError)
        return 0
    }
    // Few bytes may describe much work.
    guard let summary = try? network.summary(), summary.operationCount < 1 << 22,
        network.layers.count < 64
    else { return 0 }
    var inputs: [String: Tensor] = [:]
    for input in network.graph.inputs {
        guard
            input.shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) < 1
                << 16,
            let x = try? Tensor(shape: [1] + input.shape, repeating: 1)
        else { return 0 }
        inputs[input.name] = x
    }
    _ = try? network.predict(inputs)
    return 0
}
