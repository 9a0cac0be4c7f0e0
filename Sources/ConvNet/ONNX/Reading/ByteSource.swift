// SPDX-License-Identifier: MIT
//
// The bytes of a file, in memory or still on the disk: a model is read from where it lies, so that
// its weights are copied once, into the tensors.

import ConvNetSupport

/// Bytes that are read piece by piece.
final class ByteSource {
    /// What errors call the file.
    let name: String
    /// How many bytes there are.
    let count: Int
    private let file: RegularFile?
    /// The bytes that were read last; all of them where there is no file.
    private var window: [UInt8]
    private var windowStart = 0

    private static let windowSize = 1 << 16

    /// The bytes of a file.
    init(_ file: RegularFile) {
        name = file.path
        count = file.byteCount
        self.file = file
        window = []
    }

    /// Bytes in memory.
    init(_ bytes: [UInt8], name: String) {
        self.name = name
        count = bytes.count
        file = nil
        window = bytes
    }

    /// The byte at a place below ``count``.
    func byte(at place: Int) throws(FileError) -> UInt8 {
        let index = place - windowStart
        if index >= 0, index < window.count { return window[index] }
        guard let file, place >= 0, place < count else { throw shorter() }
        window = try FileBytes.bytes(
            of: file, at: place, count: min(Self.windowSize, count - place))
        windowStart = place
        guard let first = window.first else { throw shorter() }
        return first
    }

    /// The bytes of a range that lies inside.
    func bytes(in range: Range<Int>) throws(FileError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw shorter() }
        let first = range.lowerBound - windowStart
        if first >= 0, first + range.count <= window.count {
            return Array(window[first..<first + range.count])
        }
        guard let file else { throw shorter() }
        let bytes = try FileBytes.bytes(of: file, at: range.lowerBound, count: range.count)
        guard bytes.count == range.count else { throw shorter() }
        return bytes
    }

    /// Fills a buffer with the bytes from a place on.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, from place: Int) throws(FileError) {
        guard place >= 0, buffer.count <= count - place else { throw shorter() }
        if let file {
            guard try file.read(into: buffer, at: place) == buffer.count else { throw shorter() }
        } else {
            window.withUnsafeBytes {
                buffer.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[place...].prefix(buffer.count)))
            }
        }
    }

    private func shorter() -> FileError {
        FileError(file: name, problem: "has become shorter while it was read")
    }
}
