// SPDX-License-Identifier: MIT
//
// Downloading a file that may be broken off and resumed: bytes go to FILE.part as they come, and
// the next try asks for what is missing.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A download that did not work, in one line.
struct DownloadError: Error, CustomStringConvertible {
    let description: String
}

/// One download; waits until it is done.
final class Download: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    // Sendable although it changes: the session calls its delegate on one queue, and the caller
    // reads the outcome only after the semaphore.
    private let file: FileHandle
    private let offset: UInt64
    private let done = DispatchSemaphore(value: 0)
    private var problem: String?
    /// Whether what comes is the file; the page that explains an error is not.
    private var isFile = false

    /// Appends what is missing from a part of a file.
    ///
    /// - Throws: ``DownloadError`` when the server can't be reached or does not have the file.
    static func resume(_ url: URL, into part: URL) throws {
        if !FileManager.default.fileExists(atPath: part.path) {
            guard FileManager.default.createFile(atPath: part.path, contents: nil) else {
                throw DownloadError(description: "\(part.path): can't be written")
            }
        }
        let file = try FileHandle(forUpdating: part)
        defer { try? file.close() }
        let download = Download(file: file, offset: try file.seekToEnd())
        try download.run(url)
    }

    private init(file: FileHandle, offset: UInt64) {
        self.file = file
        self.offset = offset
    }

    private func run(_ url: URL) throws {
        var request = URLRequest(url: url, timeoutInterval: 60)
        if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
        let configuration = URLSessionConfiguration.ephemeral
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        session.dataTask(with: request).resume()
        done.wait()
        if let problem { throw DownloadError(description: "\(url.absoluteString): \(problem)") }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        switch status {
        case 206: isFile = true
        case 200:
            // The server sends everything again.
            do {
                try file.truncate(atOffset: 0)
                isFile = true
            } catch { problem = "can't be written" }
        case 416 where offset > 0: break  // nothing is missing; the checksum will tell
        default: problem = "the server answers with status \(status)"
        }
        completionHandler(isFile ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        // Some of an answer that was refused may have arrived by then.
        guard isFile, problem == nil else { return }
        do {
            try file.write(contentsOf: data)
        } catch {
            problem = "can't be written: the disk may be full"
            dataTask.cancel()
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        let status = (task.response as? HTTPURLResponse)?.statusCode
        if problem == nil, status != 416, let error {
            problem = "can't be reached: \(error.localizedDescription)"
        }
        done.signal()
    }
}
