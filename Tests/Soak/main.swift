// SPDX-License-Identifier: MIT
//
// Soak [MINUTES]: trains and predicts in turn for half an hour, and fails where memory, descriptors
// or threads grow after the first sixth of the time. Each round uses several networks and batch
// sizes, predictions from many tasks (some of which are cancelled), and files.

import ConvNet
import ConvNetData
import Foundation

guard let minutes = CommandLine.arguments.count > 1 ? Double(CommandLine.arguments[1]) : 30,
    minutes > 0, minutes < 1e6
else {
    print("usage: Soak [MINUTES]")
    exit(2)
}

do {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("convnet-soak-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }

    let work = try Work(folder: folder)
    var record = Record(seconds: minutes * 60)
    print("  minutes    rounds   resident MB   largest MB   descriptors   threads")
    while !record.isOver {
        try await work.round(record.rounds)
        record.add(Usage())
    }
    exit(record.report() ? 0 : 1)
} catch {
    print("Soak: \(error)")
    exit(1)
}
