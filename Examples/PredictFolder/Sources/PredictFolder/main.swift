// SPDX-License-Identifier: MIT
//
// Reads every PNG file of a folder, predicts them a batch at a time, and prints a line for each. A
// file that is no image is named on standard error and left out; the exit status is 1 then.

import ConvNet
import ConvNetImages
import Foundation

func complain(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}

let arguments = Array(CommandLine.arguments.dropFirst())
let isInverted = arguments.contains("--invert")
let operands = arguments.filter { $0 != "--invert" }
guard operands.count == 2, !operands.contains(where: { $0.hasPrefix("-") }) else {
    complain("usage: PredictFolder NETWORK FOLDER [--invert]    (--invert: dark ink on paper)")
    exit(2)
}

/// How many images are predicted at once: enough to keep all processors at work, few enough that
/// the layers' outputs stay small.
let batchSize = 64

do {
    let network = try Network(contentsOf: URL(fileURLWithPath: operands[0]))
    let shape = network.inputShape
    guard shape.count == 3, shape[0] == 1 || shape[0] == 3 else {
        complain("\(operands[0]): a network for \(shape), expected one for images [C, H, W]")
        exit(1)
    }
    let folder = URL(fileURLWithPath: operands[1])
    let files = try FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: nil
    ).filter { $0.pathExtension.lowercased() == "png" }
        .sorted { $0.lastPathComponent < $1.lastPathComponent }

    var status: Int32 = 0
    var names: [String] = []
    var pixels: [Float] = []

    func predictBatch() throws {
        guard !names.isEmpty else { return }
        let x = try Tensor(shape: [names.count] + shape, scalars: pixels)
        let probabilities = try network.kernels.softmax(network.predict(x))  // [N, K]
        for (row, best) in try probabilities.argmaxOfRows().enumerated() {
            let share = Int((100 * (try probabilities[row, best])).rounded())
            print("\(names[row]): \(best) (\(share) %)")
        }
        (names, pixels) = ([], [])
    }

    for file in files {
        do {
            let image = try Image(contentsOf: file).tensor(
                channels: shape[0], height: shape[1], width: shape[2], inverted: isInverted)
            names.append(file.lastPathComponent)
            pixels += image.scalars
        } catch let error as FileError {
            complain("\(error)")
            status = 1
        }
        if names.count == batchSize { try predictBatch() }
    }
    try predictBatch()
    exit(status)
} catch {
    complain("PredictFolder: \(error)")
    exit(1)
}
