// SPDX-License-Identifier: MIT
//
// Trains the book's SimpleConvNet on MNIST, or on drawn digits where no folder is given, saves it,
// and judges what was saved.

import ConvNet
import ConvNetData
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
guard (1...2).contains(arguments.count), !arguments[0].hasPrefix("-") else {
    FileHandle.standardError.write(Data("usage: TrainDigits NETWORK [MNIST-FOLDER]\n".utf8))
    exit(2)
}
let file = URL(fileURLWithPath: arguments[0])

do {
    let (training, test) =
        if arguments.count == 2 {
            (
                try MNIST.load(from: URL(fileURLWithPath: arguments[1]), .training),
                try MNIST.load(from: URL(fileURLWithPath: arguments[1]), .test)
            )
        } else {
            (
                try SyntheticDigits.make(count: 5000, seed: 1),
                try SyntheticDigits.make(count: 1000, seed: 2)
            )
        }

    var network = try SimpleConvNet(seed: 1)
    var trainer = try Trainer(optimizer: Adam(), epochs: 2)
    try trainer.train(&network, on: training.shuffled(seed: 1), testing: test) { event in
        guard case .epoch(let epoch) = event, let accuracy = epoch.testAccuracy else { return }
        let loss = String(format: "%.4f", epoch.meanLoss)
        print("epoch \(epoch.epoch): loss \(loss), \(accuracy.correct) of \(accuracy.total) right")
    }
    try network.save(to: file)

    // What the file holds is what was trained: its layers, their order and their numbers.
    let saved = try Network(contentsOf: file)
    let accuracy = try saved.accuracy(test)
    print("\(file.lastPathComponent): \(accuracy.correct) of \(accuracy.total) right")
} catch {
    FileHandle.standardError.write(Data("TrainDigits: \(error)\n".utf8))
    exit(1)
}
