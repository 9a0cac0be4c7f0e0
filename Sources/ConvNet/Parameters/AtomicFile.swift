// SPDX-License-Identifier: MIT
//
// Writing a file so that at any moment there is the old one or the new one, whole.

import Foundation

enum AtomicFile {
    /// Writes a temporary file beside the target, makes sure that it is on the disk, renames it.
    ///
    /// - Throws: ``ParameterFileError`` that says what the system refused; the old file stays.
    static func write(_ data: Data, to url: URL) throws {
        let path = url.path
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path, "can't be written") }
        do {
            defer { close(descriptor) }
            try write(data, to: descriptor, path: path)
            guard fsync(descriptor) == 0 else { throw failure(path, "can't be written") }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = failure(path, "can't be replaced")
            unlink(temporary)
            throw error
        }
        // The new name is on the disk only once its folder is.
        let folder = open(url.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func write(_ data: Data, to descriptor: Int32, path: String) throws {
        try data.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: bytes[written...])
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, part.baseAddress, part.count)
                #else
                    let count = Musl.write(descriptor, part.baseAddress, part.count)
                #endif
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(path, "can't be written") }
                written += count
            }
        }
    }

    private static func failure(_ path: String, _ problem: String) -> ParameterFileError {
        ParameterFileError(file: path, problem: "\(problem): \(String(cString: strerror(errno)))")
    }
}
