// SPDX-License-Identifier: MIT
//
// Checkpoints: any bytes give a checkpoint or a `FileError`, and training goes on from it or
// says why not.

import ConvNetData
import Foundation
import Fuzzer

@testable import ConvNet

/// What the seed corpus' checkpoint was made with.
private let samples = try? LabeledImages(
    images: Tensor(shape: [3, 1, 2, 2], repeating: 0.5), labels: [0, 1, 0], classes: 2)

@_cdecl("FuzzCheckpoint_main")
func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    fuzz(count, arguments, fuzzCheckpoint)
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCheckpoint(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let data = Data(UnsafeBufferPointer(start: start, count: count))
    do {
        let checkpoint = try Checkpoint(bytes: data, file: "input")
        try resume(checkpoint)
    } catch {
        precondition(error is FileError || error is TrainingError)
    }
    return 0
}

private func resume(_ checkpoint: Checkpoint) throws {
    guard let samples else { return }
    var network = try Network(
        inputShape: [1, 2, 2],
        layers: [
            NamedLayer("affine1", Affine(inputSize: 4, outputSize: 2, seed: 1, stream: 1))
        ], kernels: NativeKernels(threads: 1))
    var trainer = try Trainer(
        optimizer: Momentum(), batchSize: 2, epochs: 2, batchesAhead: 0)
    // Settings are compared as text; those of the input stand for the right ones.
    let settings = checkpoint.settings
    try trainer.train(
        &network, on: samples,
        checkpoints: Checkpoints(
            file: URL(fileURLWithPath: "/dev/null/none"), everySteps: .max, settings: settings,
            resuming: checkpoint),
        stop: nil)
}
