// SPDX-License-Identifier: MIT
//
// How many images of a folder are decoded a second, and scaled to a side: in full, and by decoding
// large JPEG files smaller. pillow.py beside this folder does the same with Pillow.

import ConvNetImages
import Foundation

let arguments = CommandLine.arguments
guard arguments.count == 3, let side = Int(arguments[2]), side > 0 else {
    print("usage: ImageSpeed FOLDER SIDE    (FOLDER has a folder for each class)")
    exit(2)
}

/// The best of three runs, in images a second.
func rate(_ count: Int, _ body: () throws -> Void) rethrows -> String {
    var best = Double.infinity
    for _ in 0..<3 {
        let start = ContinuousClock.now
        try body()
        let time = (ContinuousClock.now - start).components
        best = min(best, Double(time.seconds) + Double(time.attoseconds) * 1e-18)
    }
    return "\(Int((Double(count) / best).rounded())) images a second"
}

do {
    let folder = try ImageFolder(URL(fileURLWithPath: arguments[1]))
    let files = folder.files.map { URL(fileURLWithPath: $0.path) }
    let target = ImageSize(width: side, height: side)
    for (name, covering) in [("in full", nil), ("decoded smaller", target)] {
        let scaled = try rate(files.count) {
            for file in files {
                _ = try Image(contentsOf: file, covering: covering)
                    .resized(width: side, height: side)
            }
        }
        print("one thread, \(name): \(scaled)")
    }
    let all = try rate(files.count) {
        _ = try folder.decoded(DecodingSettings(shorterSide: side))
    }
    print("all processors, decoded smaller: \(all)")
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
