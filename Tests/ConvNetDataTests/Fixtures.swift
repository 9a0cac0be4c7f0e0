// SPDX-License-Identifier: MIT
//
// Data files made on the spot: IDX bytes, gzip, and a folder that goes away after a test.

import CZlib
import ConvNetData
import ConvNetTestSupport
import Foundation

/// The bytes of an IDX file, right or deliberately wrong.
func idxFile(
    magic: [UInt8] = [0, 0], type: UInt8 = 0x08, axes: Int? = nil, shape: [Int], data: [UInt8]
) -> [UInt8] {
    let extents = shape.flatMap { extent in
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: extent >> $0) }
    }
    return magic + [type, UInt8(axes ?? shape.count)] + extents + data
}

struct ZlibFailure: Error { let status: CInt }

/// The bytes as a gzip file.
func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = z_stream()
    let status = deflateInit2_(
        &stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        CInt(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw ZlibFailure(status: status) }
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
    let (end, count) = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { destination in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = destination.baseAddress
            stream.avail_out = UInt32(destination.count)
            return (deflate(&stream, Z_FINISH), Int(stream.total_out))
        }
    }
    guard end == Z_STREAM_END else { throw ZlibFailure(status: end) }
    return Array(output.prefix(count))
}

/// Runs `body` with a new folder that holds the given files, and removes it.
func withFolder<Result>(
    of files: [String: [UInt8]] = [:], _ body: (URL) throws -> Result
) throws -> Result {
    try withTemporaryFolder { folder in
        for (name, bytes) in files {
            try Data(bytes).write(to: folder.appendingPathComponent(name))
        }
        return try body(folder)
    }
}

/// The error's description, or a text that no expectation equals.
func description(of body: () throws -> some Any) -> String {
    do {
        return "no error, but \(try body())"
    } catch {
        return "\(error)"
    }
}
