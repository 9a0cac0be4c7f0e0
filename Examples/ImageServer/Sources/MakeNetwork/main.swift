// SPDX-License-Identifier: MIT
//
// A network for the server to answer with: trained on a folder with a folder for each class, or,
// with --wide, one that was not trained and whose large matrices make batches pay.

import ConvNet
import ConvNetImages
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let isWide = arguments.contains("--wide")
let operands = arguments.filter { $0 != "--wide" }
guard operands.count == 2, !operands.contains(where: { $0.hasPrefix("-") }) else {
    FileHandle.standardError.write(Data("usage: MakeNetwork FOLDER NETWORK [--wide]\n".utf8))
    exit(2)
}

/// Two matrices of 32 and 64 MiB behind a small convolution: a prediction of one sample waits for
/// memory, and one of 16 samples reads them once.
func wide(classes: Int, side: Int) throws -> Network {
    try Network(
        inputShape: [3, side, side],
        layers: [
            NamedLayer(
                "conv1", Convolution(inputChannels: 3, outputChannels: 32, kernel: 5, padding: 2)),
            NamedLayer("relu1", ReLU()), NamedLayer("pool1", MaxPooling(4)),
            NamedLayer("affine1", Affine(inputSize: 32 * side * side / 16, outputSize: 4096)),
            NamedLayer("relu2", ReLU()),
            NamedLayer("affine2", Affine(inputSize: 4096, outputSize: 4096)),
            NamedLayer("relu3", ReLU()),
            NamedLayer("affine3", Affine(inputSize: 4096, outputSize: classes)),
        ])
}

do {
    let side = 32
    let folder = try ImageFolder(URL(fileURLWithPath: operands[0]))
    let images = try folder.decoded(DecodingSettings(shorterSide: side))
    let (means, deviations) = images.statistics
    let classes = folder.classNames.count
    var network =
        try isWide
        ? wide(classes: classes, side: side)
        : Network.smallResNet(
            depth: 20, classes: classes, inputShape: [3, side, side], seed: 1)
    network.preprocessing = try Preprocessing(
        mean: means, deviation: deviations, classNames: folder.classNames, shorterSide: side)
    if !isWide {
        let preparation = try ImagePreparation(
            size: ImageSize(width: side, height: side), shorterSide: side, mean: means,
            deviation: deviations)
        let batches = try ImageBatches(
            images, preparation, augmentation: ImageAugmentation(shift: 3, flip: true),
            shuffleSeed: 1, seed: 1)
        var trainer = try Trainer(
            optimizer: Adam(learningRate: 0.003), batchSize: 16, epochs: 8)
        try trainer.train(&network, on: batches)
        let seen = try network.accuracy(try ImageBatches(images, preparation))
        print("\(seen.correct) of \(seen.total) right")
    }
    try network.save(to: URL(fileURLWithPath: operands[1]))
} catch {
    FileHandle.standardError.write(Data("MakeNetwork: \(error)\n".utf8))
    exit(1)
}
