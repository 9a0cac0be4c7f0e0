// SPDX-License-Identifier: MIT
//
// A network with a layer of your own, trained step by step by a loop of your own.

import ConvNet
import ConvNetData
import ConvNetReference
import Foundation

let digits = try SyntheticDigits.make(count: 2000, seed: 1).shuffled(seed: 1)
let held = try SyntheticDigits.make(count: 500, seed: 2)

// A residual network: what the branch computes is added to what went in.
var network = try Network(inputShape: [1, 28, 28]) { graph, image in
    let x = try graph.add(
        Convolution(inputChannels: 1, outputChannels: 8, kernel: 3, stride: 2, seed: 1), image)
    var y = try graph.add(Swish(), x, name: "swish")
    y = try graph.add(
        Convolution(inputChannels: 8, outputChannels: 8, kernel: 3, padding: 1, seed: 2), y)
    let sum = try graph.add(Addition(), y, x)
    return try graph.add(
        Affine(inputSize: 8 * 13 * 13, outputSize: 10, seed: 3), graph.add(ReLU(), sum))
}

// Parameters are read, and set from memory.
try network.setParameters(
    ["swish.slope": Tensor(shape: [1], scalars: [1.5])], strict: false)

// The gradient is right: central differences in Double say so. Your own layers are included.
let few = try digits.batch(at: [0, 1])
let check = try GradientCheck(
    of: network, few.images, labels: few.labels, on: ReferenceKernels(), elements: 3, seed: 1)
print("gradients", check.passed ? "passed" : "FAILED")

// The training loop: batches, steps, a look at the loss.
var updater = try Updater(
    Lion(weightDecay: 0.01), clipping: .norm(5), groups: [ParameterGroup("*.b", weightDecay: 0)])
for epoch in 0..<3 {
    var total = 0.0
    let order = digits.order(ofEpoch: epoch)
    for begin in stride(from: 0, to: order.count, by: 50) {
        let batch = try digits.batch(at: Array(order[begin..<min(begin + 50, order.count)]))
        total += try network.trainStep(on: batch, with: &updater, loss: FocalLoss())
    }
    let accuracy = try network.accuracy(held)
    print("epoch \(epoch + 1): loss \(total / 40), accuracy \(accuracy.fraction)")
}

// Saved whole, with the layer's name; read again by handing over its type.
let file = FileManager.default.temporaryDirectory
    .appendingPathComponent("own-\(ProcessInfo.processInfo.processIdentifier).safetensors")
defer { try? FileManager.default.removeItem(at: file) }
try network.save(to: file)
let read = try Network(contentsOf: file, layerTypes: [Swish.self])
print("read again:", try read.predict(few.images) == network.predict(few.images))
