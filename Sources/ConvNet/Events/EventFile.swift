// SPDX-License-Identifier: MIT
//
// Files that TensorBoard shows: one record per event, each a length, its checksum, a message of
// Protocol Buffers and its checksum (tensorflow/core/util/event.proto,
// tensorflow/core/framework/summary.proto, tensorflow/core/lib/io/record_writer.h). Written only,
// and only at the end.

import Foundation

/// A file of events that TensorBoard shows during training.
///
/// ```swift
/// let events = try EventFile(in: URL(fileURLWithPath: "runs/first"))
/// try trainer.train(&network, on: training) { event in
///     guard case .step(let record) = event else { return }
///     try events.write([("loss", record.loss)], step: record.step)
/// }
/// ```
///
/// Each event is in the file when the call that writes it returns. An object, as it stands for an
/// open file; one thread at a time writes to it.
public final class EventFile {
    /// Where it is.
    public let url: URL
    private let handle: FileHandle

    /// A new file in a folder, which is made where there is none; runs of TensorBoard's are
    /// folders.
    ///
    /// - Parameters:
    ///   - folder: the run's folder.
    ///   - step: the first step that is to come; of events of earlier files in the folder,
    ///     TensorBoard drops those of this step and later ones, which training that was resumed
    ///     takes once more.
    /// - Throws: ``FileError`` when the file can't be made.
    public init(in folder: URL, startingAt step: Int = 0) throws {
        let (url, handle) = try Self.open(in: folder)
        (self.url, self.handle) = (url, handle)
        var version = event(step: 0)
        version.add(3, "brain.Event:2")
        try write(version)
        guard step > 0 else { return }
        // SessionLog with the status START.
        var (start, log) = (event(step: step), ProtobufMessage())
        log.add(1, 1)
        start.add(7, log)
        try write(start)
    }

    deinit { try? handle.close() }

    /// TensorBoard recognises files by a part of their name, and sorts them by the time in it.
    private static func open(in folder: URL) throws(FileError) -> (URL, FileHandle) {
        func fail(_ file: URL) -> FileError {
            FileError(
                file: file.path, problem: "can't be written",
                expected: "a file in a writable folder")
        }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw fail(folder)
        }
        let seconds = String(format: "%010d", Int(Date().timeIntervalSince1970))
        let process = ProcessInfo.processInfo.processIdentifier
        for number in 0..<1000 {
            let file = folder.appendingPathComponent(
                "events.out.tfevents.\(seconds).convnet.\(process).\(number)")
            guard !FileManager.default.fileExists(atPath: file.path) else { continue }
            guard FileManager.default.createFile(atPath: file.path, contents: nil),
                let handle = FileHandle(forWritingAtPath: file.path)
            else { throw fail(file) }
            return (file, handle)
        }
        throw fail(folder)
    }

    /// Writes numbers of a step.
    ///
    /// - Parameters:
    ///   - scalars: what each is called, such as `train/loss`, and what it is; rounded to `Float`.
    ///   - step: the step's number over all epochs.
    /// - Throws: ``FileError`` when they can't be written.
    public func write(_ scalars: [(name: String, value: Double)], step: Int) throws {
        var summary = ProtobufMessage()
        for (name, value) in scalars {
            var entry = ProtobufMessage()
            entry.add(1, name)
            entry.add(2, Float(value))
            summary.add(1, entry)
        }
        try write(summary, step: step)
    }

    /// Writes how a tensor's numbers are spread: how many fall into each of 30 equal parts
    /// of their range.
    ///
    /// - Parameters:
    ///   - tensor: the numbers; those that are not finite are left out.
    ///   - name: what it is called.
    ///   - step: the step's number over all epochs.
    /// - Throws: ``FileError`` when it can't be written.
    public func write(histogramOf tensor: Tensor, name: String, step: Int) throws {
        let histogram = Histogram(of: tensor)
        var message = ProtobufMessage()
        message.add(1, histogram.least)
        message.add(2, histogram.greatest)
        message.add(3, Double(histogram.count))
        message.add(4, histogram.sum)
        message.add(5, histogram.sumOfSquares)
        message.add(6, packed: histogram.limits)
        message.add(7, packed: histogram.counts)
        try write(entry: name, field: 5, message, step: step)
    }

    /// Writes a picture.
    ///
    /// - Parameters:
    ///   - png: the bytes of a PNG file of colours.
    ///   - width: how many pixels a row has.
    ///   - height: how many rows there are.
    ///   - name: what it is called.
    ///   - step: the step's number over all epochs.
    /// - Throws: ``FileError`` when it can't be written.
    public func write(
        png: [UInt8], width: Int, height: Int, name: String, step: Int
    ) throws {
        var message = ProtobufMessage()
        message.add(1, height)
        message.add(2, width)
        message.add(3, 3)
        message.add(4, bytes: png)
        try write(entry: name, field: 4, message, step: step)
    }

    private func write(
        entry name: String, field: Int, _ message: ProtobufMessage, step: Int
    ) throws {
        var (summary, entry) = (ProtobufMessage(), ProtobufMessage())
        entry.add(1, name)
        entry.add(field, message)
        summary.add(1, entry)
        try write(summary, step: step)
    }

    private func write(_ summary: ProtobufMessage, step: Int) throws {
        var event = event(step: step)
        event.add(5, summary)
        try write(event)
    }

    private func event(step: Int) -> ProtobufMessage {
        var event = ProtobufMessage()
        event.add(1, Date().timeIntervalSince1970)
        event.add(2, step)
        return event
    }

    private func write(_ event: ProtobufMessage) throws {
        do {
            try handle.write(contentsOf: Self.record(event.encoded()))
        } catch {
            throw FileError(
                file: url.path, problem: "can't be written: \(error.localizedDescription)",
                expected: "room on the disk")
        }
    }

    /// A record: the length in eight bytes, its checksum, the message, its checksum.
    static func record(_ message: Data) -> Data {
        let length = withUnsafeBytes(of: UInt64(message.count).littleEndian) { Data($0) }
        return length + checksum(length) + message + checksum(message)
    }

    /// A checksum as records have it: turned and moved, so that checksums of checksums
    /// are no weaker.
    private static func checksum(_ bytes: Data) -> Data {
        let checksum = CRC32C.checksum(of: bytes)
        let masked = (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
        return withUnsafeBytes(of: masked.littleEndian) { Data($0) }
    }
}

/// How numbers are spread.
struct Histogram {
    let least, greatest, sum, sumOfSquares: Double
    let count: Int
    /// The upper end of each part, and how many numbers lie in it.
    let limits, counts: [Double]

    private static let parts = 30

    init(of tensor: Tensor) {
        let numbers = tensor.doubles.filter(\.isFinite)
        let (least, greatest) = (numbers.min() ?? 0, numbers.max() ?? 0)
        // Halved first: the difference of the largest numbers would be infinite.
        let half = greatest / 2 - least / 2
        let parts = half > 0 ? Self.parts : 1
        var counts = [Double](repeating: 0, count: parts)
        for number in numbers {
            let share = half > 0 ? (number / 2 - least / 2) / half : 0
            counts[min(Int(share * Double(parts)), parts - 1)] += 1
        }
        func share(_ part: Int) -> Double { Double(part) / Double(parts) }
        limits = (1...parts).map { part in
            part == parts
                ? greatest : least + half * share(part) + half * share(part)
        }
        (self.least, self.greatest, self.counts) = (least, greatest, counts)
        count = numbers.count
        sum = numbers.reduce(0, +)
        sumOfSquares = numbers.reduce(0) { $0 + $1 * $1 }
    }
}
