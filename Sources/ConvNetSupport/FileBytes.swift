// SPDX-License-Identifier: MIT
//
// A whole file into memory, if it is a regular file and small enough.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads whole files.
package enum FileBytes {
    /// The bytes of a regular file.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - limit: the largest size that is read.
    /// - Throws: ``FileError`` when it can't be read, is no regular file, is larger, or there is no
    ///   memory for it.
    package static func contents(of path: String, limit: Int) throws(FileError) -> [UInt8] {
        try bytes(of: RegularFile(path, limit: limit))
    }

    /// The first bytes of a file, or all of it.
    ///
    /// - Throws: ``FileError`` when they can't be read or there is no memory for them.
    package static func bytes(
        of file: RegularFile, at offset: Int = 0, count: Int? = nil
    ) throws(FileError) -> [UInt8] {
        let count = count ?? file.byteCount - offset
        try requireMemory(count, file.path)
        var bytes = [UInt8](repeating: 0, count: count)
        var (filled, failure) = (0, FileError?.none)
        bytes.withUnsafeMutableBytes { buffer in
            do throws(FileError) {
                filled = try file.read(into: buffer, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        // Where the file has become shorter meanwhile, its decoder will say that it is truncated.
        bytes.removeLast(count - filled)
        return bytes
    }

    /// Fails where the system would refuse that much memory: an array ends the process then.
    package static func requireMemory(_ byteCount: Int, _ path: String) throws(FileError) {
        guard let probe = malloc(max(byteCount, 1)) else {
            throw FileError(
                file: path, problem: "can't be read: \(byteCount) bytes",
                expected: "no more than the system can allocate")
        }
        free(probe)
    }
}
