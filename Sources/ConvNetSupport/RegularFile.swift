// SPDX-License-Identifier: MIT
//
// A file that is read piece by piece, after a look at what it is: a path may name a directory, a
// pipe or a device, and none of them may hang or flood the process.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file that is open for reading.
package final class RegularFile {
    /// Where it is.
    package let path: String
    /// How large it was when it was opened.
    package let byteCount: Int
    private let descriptor: CInt

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - limit: the largest size that will do.
    /// - Throws: ``FileError`` when it can't be opened, is no regular file or is larger.
    package init(_ path: String, limit: Int) throws(FileError) {
        // C would read a shorter path.
        guard !path.utf8.contains(0) else {
            throw FileError(
                file: path, problem: "can't be read: a path with a zero byte",
                expected: "a readable file")
        }
        // Not blocking, or opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.systemError(path) }
        var information = stat()
        let status = fstat(descriptor, &information)
        let isRegular = information.st_mode & S_IFMT == S_IFREG
        let size = Int(information.st_size)
        guard status == 0, isRegular, size <= limit else {
            let error =
                status != 0
                ? Self.systemError(path)
                : FileError(
                    file: path,
                    problem: "can't be read: " + (isRegular ? "\(size) bytes" : "not a file"),
                    expected: isRegular ? "at most \(limit)" : "a regular file")
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        byteCount = size
    }

    deinit { close(descriptor) }

    /// Fills a buffer with the bytes from a place on.
    ///
    /// - Returns: how many there were; fewer than asked for only where the file has become shorter.
    /// - Throws: ``FileError`` with what the system said.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(FileError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled,
                off_t(offset + filled))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.systemError(path) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    private static func systemError(_ path: String) -> FileError {
        FileError(
            file: path, problem: "can't be read: " + String(cString: strerror(errno)),
            expected: "a readable file")
    }
}
