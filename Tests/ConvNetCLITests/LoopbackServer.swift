// SPDX-License-Identifier: MIT
//
// A web server on this machine that knows the Range header, and can break a transfer off: Python's
// own, with the few lines that it lacks. It is a second opinion on our half of the protocol.

import ConvNetTestSupport
import Foundation
import Testing

struct LoopbackServer {
    /// Where it answers.
    let url: URL
    private let log: URL

    static let isAvailable =
        (try? Subprocess.run("python3", ["-c", "import http.server"]))?.status == 0

    /// Serves a folder while `body` runs.
    ///
    /// - Parameters:
    ///   - limit: how many bytes an answer holds before the connection is broken off.
    ///   - ranges: whether it knows Range.
    static func serving<Result>(
        _ folder: URL, breakingOffAfter limit: Int? = nil, ranges: Bool = true,
        _ body: (LoopbackServer) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { own in
            let script = own.appendingPathComponent("server.py")
            try program.write(to: script, atomically: true, encoding: .utf8)
            let log = own.appendingPathComponent("log")
            let output = Pipe()
            let process = try Subprocess.start(
                "python3",
                [script.path, folder.path, log.path, "\(limit ?? -1)", "\(ranges)"],
                output: output)
            defer {
                // Nothing gentler: a process inherits the blocked signals of the thread
                // it is made on.
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
            let port = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
                .trimmingCharacters(in: .newlines)
            let url = try #require(URL(string: "http://127.0.0.1:\(port)"))
            return try body(LoopbackServer(url: url, log: log))
        }
    }

    /// What was asked for so far, a line each: the path and the Range header.
    var requests: [String] {
        get throws {
            try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    private static let program = """
        import http.server, os, re, sys
        folder, log, limit, ranges = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
        open(log, "w").close()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers.get("Range", "")
                with open(log, "a") as file:
                    file.write((self.path + " " + wanted).strip() + "\\n")
                try:
                    with open(os.path.join(folder, os.path.basename(self.path)), "rb") as file:
                        data = file.read()
                except OSError:
                    return self.send_error(404)
                first = re.fullmatch("bytes=([0-9]+)-", wanted) if ranges == "true" else None
                start = int(first.group(1)) if first else 0
                if first and start >= len(data):
                    return self.send_error(416)
                self.send_response(206 if first else 200)
                if first:
                    self.send_header("Content-Range", f"bytes {start}-{len(data)-1}/{len(data)}")
                body = data[start:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body if limit < 0 else body[:limit])

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """
}
