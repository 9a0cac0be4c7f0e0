// SPDX-License-Identifier: MIT
//
// From a folder of photographs to a network that knows them: trained, judged, asked. Drawn
// photographs: red discs and blue squares, small enough to be learned in seconds.

import ConvNet
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@testable import ConvNetCommands

@Suite struct PhotographTests {
    private static let names = ["disc é", "square"]

    /// A photograph as a PPM file: a figure somewhere on a ground that differs from one to the
    /// next.
    private static func photograph(_ isSquare: Bool, _ number: Int) -> Data {
        let (width, height) = (40 + number % 3, 34)
        var generator = Philox(seed: 7, stream: UInt64(number * 2 + (isSquare ? 1 : 0)))
        let ground = UInt8(60 + 100 * generator.nextUniform())
        let (x0, y0) = (12 + 14 * generator.nextUniform(), 12 + 8 * generator.nextUniform())
        var pixels = Array("P6 \(width) \(height) 255\n".utf8)
        for y in 0..<height {
            for x in 0..<width {
                let (dx, dy) = (Double(x) - x0, Double(y) - y0)
                let isInside =
                    isSquare ? max(abs(dx), abs(dy)) < 8 : dx * dx + dy * dy < 81
                let figure: [UInt8] = isSquare ? [20, 30, 220] : [220, 40, 30]
                pixels += isInside ? figure : [ground, ground, ground]
            }
        }
        return Data(pixels)
    }

    /// Folders `train` and `test` of 24 and 8 photographs, half of each class.
    private static func withPhotographs(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for (part, numbers) in [("train", 0..<12), ("test", 12..<16)] {
                for (label, name) in names.enumerated() {
                    let own = folder.appendingPathComponent("\(part)/\(name)")
                    try FileManager.default.createDirectory(
                        at: own, withIntermediateDirectories: true)
                    for number in numbers {
                        try photograph(label == 1, number)
                            .write(to: own.appendingPathComponent("\(number).ppm"))
                    }
                }
            }
            try body(folder)
        }
    }

    private static func train(_ folder: URL, _ arguments: [String]) throws -> Subprocess {
        try Tool.run(
            [
                "train", "--data", folder.appendingPathComponent("train").path, "--network",
                "resnet20", "--image-size", "16", "--batch-size", "8", "--seed", "1", "--optimizer",
                "adam", "--learning-rate", "0.001", "--schedule", "constant",
            ] + arguments)
    }

    @Test func aNetworkLearnsToTellThem() throws {
        try Self.withPhotographs { folder in
            let (file, test) = (
                folder.appendingPathComponent("network.safetensors"),
                folder.appendingPathComponent("test")
            )
            let run = try Self.train(
                folder,
                [
                    "--test", test.path, "--epochs", "6", "--augment", "shift:1,flip", "--out",
                    file.path,
                ])
            #expect(run.status == 0, "\(run)")
            #expect(run.error.isEmpty || !run.error.contains("left out"))
            let network = try Network(contentsOf: file)
            #expect(network.inputShape == [3, 16, 16])
            let preprocessing = try #require(network.preprocessing)
            #expect(
                preprocessing.classNames.map { Array($0.utf8) } == Self.names.map { Array($0.utf8) }
            )
            #expect(preprocessing.shorterSide == 16)
            #expect(preprocessing.mean.count == 3)

            let evaluated = try Tool.run(
                ["evaluate", "--parameters", file.path, "--data", test.path])
            #expect(evaluated.output == "accuracy 1.0000 (8/8)\n", "\(evaluated)")

            // An image from a pipe.
            let pgm = "P5 8 8 255\n" + String(repeating: "A", count: 64)
            let piped = try Subprocess.run(
                Tool.executable.path, ["predict", "-", "--parameters", file.path], input: pgm)
            #expect(piped.status == 0, "\(piped)")
            #expect(piped.output.hasPrefix("-: "))
            let cut = try Subprocess.run(
                Tool.executable.path, ["predict", "-", "--parameters", file.path],
                input: String(pgm.dropLast()))
            #expect(cut.status == 1)
            #expect(cut.error.contains("standard input: 63 bytes of samples"), "\(cut)")

            // What is predicted for each file is what evaluation sees, bit for bit.
            let files = try Self.names.flatMap { name in
                try FileManager.default.contentsOfDirectory(
                    at: test.appendingPathComponent(name), includingPropertiesForKeys: nil
                ).map(\.path).sorted()
            }
            let predicted = try Tool.run(
                ["predict", "--json", "--parameters", file.path] + files)
            let predictions = try #require(
                CommandTests.object(predicted.output)["predictions"] as? [[String: Any]])
            #expect(
                predictions.map { $0["label"] as? String }
                    == Self.names.flatMap { Array(repeating: $0, count: 4) })
            let batches = try ImageBatches(
                ImageFolder(test).decoded(DecodingSettings(shorterSide: 16)),
                preprocessing.preparation(for: network))
            // One by one: a batch of eight may be computed by other algorithms.
            let rows = try (0..<8).map {
                try Probabilities.rows(of: network.predict(batches.batch(at: [$0]).images))[0]
            }
            let order = try ImageFolder(test).files.map(\.path)
            for (path, row) in zip(order, rows) {
                let place = try #require(files.firstIndex { $0.hasSuffix(path.suffix(12)) })
                let printed = try #require(predictions[place]["probabilities"] as? [Double])
                // Foundation reads decimals to a unit of the last place or two; another logit, of
                // Float, would be a millionth away.
                for (number, exact) in zip(printed, row) {
                    #expect(abs(number - exact) <= 4 * exact.ulp)
                }
            }
        }
    }

    /// By any number of threads, and with a break in between.
    @Test func trainingGivesTheSameBytes() throws {
        try Self.withPhotographs { folder in
            func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
            let changes = [
                "--augment", "resized-crop:0.5,flip,jitter,erase,mixup", "--epochs", "2",
            ]
            let first = try Self.train(
                folder,
                changes + [
                    "--threads", "1", "--out", file("1").path, "--checkpoint", file("c").path,
                ])
            #expect(first.status == 0, "\(first)")
            let second = try Self.train(
                folder,
                changes + ["--threads", "2", "--batches-ahead", "0", "--out", file("2").path])
            #expect(second.status == 0, "\(second)")
            #expect(try Data(contentsOf: file("1")) == Data(contentsOf: file("2")))
            let resumed = try Self.train(
                folder,
                changes + [
                    "--resume", file("c.1").path, "--checkpoint", file("d").path, "--out",
                    file("3").path,
                ])
            #expect(resumed.status == 0, "\(resumed)")
            #expect(try Data(contentsOf: file("1")) == Data(contentsOf: file("3")))
            // Of another augmentation the checkpoint is not.
            let other = try Self.train(
                folder, ["--augment", "flip", "--epochs", "2", "--resume", file("c").path])
            #expect(other.status == 1)
            #expect(other.error.contains("augmentation"), "\(other)")
        }
    }

    /// Records whose classes differ in brightness.
    @Test func binaryFilesAreReadToo() throws {
        try withTemporaryFolder { folder in
            func records(_ count: Int) -> Data {
                (0..<count).reduce(into: Data()) { data, number in
                    let label = UInt8(number % 10)
                    data += [label] + Array(repeating: label * 25, count: 3072)
                }
            }
            for batch in 1...5 {
                try records(20).write(
                    to: folder.appendingPathComponent("data_batch_\(batch).bin"))
            }
            try records(10).write(to: folder.appendingPathComponent("test_batch.bin"))
            let file = folder.appendingPathComponent("network.safetensors").path
            let run = try Tool.run([
                "train", "--data", folder.path, "--network", "resnet20", "--limit", "40",
                "--epochs", "1", "--batch-size", "20", "--out", file,
            ])
            #expect(run.status == 0, "\(run)")
            #expect(run.output.contains("training on 40 images"), "\(run)")
            let evaluated = try Tool.run(["evaluate", "--parameters", file, "--data", folder.path])
            #expect(evaluated.output.hasSuffix("/10)\n"), "\(evaluated)")
            let misuse = try Tool.run(["train", "--data", folder.path, "--test", folder.path])
            #expect(misuse.status == 2)
            #expect(misuse.error.contains("--test is given, expected none with CIFAR"))
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        try Self.withPhotographs { folder in
            let data = folder.appendingPathComponent("train").path
            let bad = "\(data)/square/0.jpg"
            try Data("no photograph".utf8).write(to: URL(fileURLWithPath: bad))
            let run = try Self.train(
                folder, ["--epochs", "1", "--limit", "30", "--test-share", "0.3"])
            #expect(run.status == 0, "\(run)")
            #expect(
                run.error.contains(
                    "left out: \(bad): no image, expected a JPEG, PNG, PPM or PGM file"), "\(run)")
            #expect(run.error.contains("1 of "))
            let strict = try Self.train(folder, ["--epochs", "1", "--strict"])
            #expect(strict.status == 1)
            #expect(
                strict.error.hasSuffix(
                    "\(bad): no image, expected a JPEG, PNG, PPM or PGM file\n"), "\(strict)")

            func misuse(_ arguments: [String]) throws -> String {
                let run = try Self.train(folder, arguments)
                #expect(run.status == 2, "\(run)")
                return run.error
            }
            #expect(
                try misuse(["--augment", "rotate"]).contains(
                    "--augment is rotate, expected resized-crop[:PART], shift[:PIXELS], flip"))
            #expect(
                try misuse(["--test-share", "1"]).contains("--test-share is 1.0, expected above 0"))
            #expect(
                try misuse(["--test-share", "0.5", "--test", data]).contains(
                    "--test-share is given beside --test, expected one of them"))
            let lenet = try Tool.run(["train", "--data", data, "--network", "lenet"])
            #expect(lenet.status == 2)
            #expect(
                lenet.error.contains(
                    "--data has 2 classes, expected as many as the network gives, [10]"))
            let flat = try Tool.run(["train", "--data", "\(data)/disc é"])
            #expect(flat.status == 2)
            #expect(
                flat.error.contains(
                    "which has images such as 0.ppm beside each other, expected a folder for each "
                        + "class"), "\(flat)")
            let drawn = try Tool.run(["train", "--test", data])
            #expect(
                drawn.error.contains(
                    "--test is given, expected --data with a folder for each class beside it"))
            let other = folder.appendingPathComponent("other/square")
            try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
            try Self.photograph(true, 1).write(to: other.appendingPathComponent("1.ppm"))
            let classes = try Self.train(
                folder, ["--test", folder.appendingPathComponent("other").path])
            #expect(classes.status == 1)
            #expect(classes.error.contains("a class square, expected the classes of"), "\(classes)")
        }
    }
}
