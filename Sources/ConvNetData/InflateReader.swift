// SPDX-License-Identifier: MIT
//
// Deflate (RFC 1951), bare or in gzip (RFC 1952), through zlib, decompressing no more than is asked
// for, so that a small file that claims or unfolds to gigabytes costs nothing.

import ConvNetSupport
internal import CZlib

/// The decompressed bytes of compressed data, in order.
final class InflateReader: ByteReader {
    /// What is around the compressed data.
    enum Format: String {
        /// A header and a checksum, as in `.gz` files.
        case gzip
        /// Nothing: the size and the checksum are known from elsewhere.
        case deflate
    }

    private let format: Format
    private let compressed: [UInt8]
    private let file: String
    private var position = 0
    private var isAtEnd = false
    // On the heap: zlib keeps the stream's address and refuses one that has moved.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Deflate's best: 258 bytes out of two bits.
    private static let largestRatio = 1032

    /// Whether the bytes begin as gzip does.
    static func isGzip(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.starts(with: [0x1F, 0x8B])
    }

    /// A reader at the start of the data.
    ///
    /// - Parameters:
    ///   - compressed: all of it, less than 4 GiB.
    ///   - format: what is around it.
    ///   - file: its name, for errors.
    init(_ compressed: [UInt8], format: Format = .gzip, file: String) throws(FileError) {
        precondition(compressed.count <= Int(UInt32.max), "zlib counts its input in 32 bits")
        self.format = format
        self.compressed = compressed
        self.file = file
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 asks for gzip and nothing else, zlib's own header included; a minus for no header.
        let status = inflateInit2_(
            stream, format == .gzip ? 16 + MAX_WBITS : -MAX_WBITS, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw damaged("zlib can't start (\(status))") }
    }

    deinit {
        // Does nothing to a stream that could not start.
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func read(_ count: Int) throws(FileError) -> [UInt8] {
        let possible = compressed.count.multipliedReportingOverflow(by: Self.largestRatio)
        let capacity = min(count, possible.overflow ? count : possible.partialValue)
        var result = [UInt8](repeating: 0, count: min(capacity, Int(UInt32.max)))
        var filled = 0
        while filled < result.count, !isAtEnd {
            filled += try inflateOnce(into: &result, from: filled)
        }
        result.removeLast(result.count - filled)
        return result
    }

    /// Lets zlib fill `result` from `start` on as far as it can.
    ///
    /// - Returns: how many bytes it wrote.
    private func inflateOnce(into result: inout [UInt8], from start: Int) throws(FileError) -> Int {
        let (status, readCount, writtenCount) = compressed.withUnsafeBufferPointer { input in
            result.withUnsafeMutableBufferPointer { output in
                // zlib's input is only read, but older headers do not say const.
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: input.baseAddress?.advanced(by: position))
                stream.pointee.avail_in = UInt32(input.count - position)
                stream.pointee.next_out = output.baseAddress?.advanced(by: start)
                stream.pointee.avail_out = UInt32(output.count - start)
                let status = inflate(stream, Z_NO_FLUSH)
                return (
                    status, input.count - position - Int(stream.pointee.avail_in),
                    output.count - start - Int(stream.pointee.avail_out)
                )
            }
        }
        position += readCount
        switch status {
        case Z_OK: break
        case Z_STREAM_END: try finishMember()
        case Z_BUF_ERROR: throw damaged("\(format) data ends early")
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
            throw damaged("\(format) data is damaged (\(reason))")
        }
        return writtenCount
    }

    /// After a member's checksum: the end of the file, or one more member, as gzip allows.
    private func finishMember() throws(FileError) {
        if position == compressed.count {
            isAtEnd = true
        } else if format == .gzip, Self.isGzip(compressed[position...]) {
            inflateReset(stream)
        } else {
            throw damaged("\(compressed.count - position) bytes after the \(format) data")
        }
    }

    private func damaged(_ problem: String) -> FileError {
        FileError(
            file: file, problem: problem,
            expected: "an intact \(format) \(format == .gzip ? "file" : "stream")")
    }
}
