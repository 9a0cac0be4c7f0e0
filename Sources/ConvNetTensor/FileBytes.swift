// SPDX-License-Identifier: MIT
//
// A whole file into memory, after a look at what it is: a path may name a directory, a pipe or a
// device, and none of them may hang or flood the process.

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
    /// - Throws: ``FileError`` when it can't be read, is no regular file or is larger.
    package static func contents(of path: String, limit: Int) throws(FileError) -> [UInt8] {
        // Not blocking, or opening a pipe would wait for somebody to write.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw systemError(path) }
        defer { close(descriptor) }

        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw systemError(path) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, problem: "not a file", expected: "a regular file")
        }
        let size = Int(information.st_size)
        guard size <= limit else {
            throw FileError(path: path, problem: "\(size) bytes", expected: "at most \(limit)")
        }
        return try fill(size, from: descriptor, path)
    }

    private static func fill(
        _ size: Int, from descriptor: CInt, _ path: String
    ) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: filled), size - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemError(path) }
            // The file has become shorter meanwhile; its decoder will say that it is truncated.
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(size - filled)
        return bytes
    }

    private static func systemError(_ path: String) -> FileError {
        FileError(
            path: path, problem: String(cString: strerror(errno)), expected: "a readable file")
    }
}
