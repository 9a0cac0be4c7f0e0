// SPDX-License-Identifier: MIT
//
// Answers which class a photograph shows, over HTTP, until SIGTERM or Ctrl-C; then it answers what
// it has accepted, and ends.

import ConvNet
import Foundation

func complain(_ text: String) {
    FileHandle.standardError.write(Data("ImageServer: \(text)\n".utf8))
}
func say(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }

// Before the first thread, which inherits it: signals are waited for below and interrupt nothing.
var signals = sigset_t()
sigemptyset(&signals)
for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
pthread_sigmask(SIG_BLOCK, &signals, nil)
signal(SIGPIPE, SIG_IGN)

do {
    let settings = try Settings(Array(CommandLine.arguments.dropFirst()))
    let network = try Network(contentsOf: URL(fileURLWithPath: settings.network))
    let predictor = try BatchingPredictor(
        network, maximumBatch: settings.batch, maximumWait: .milliseconds(settings.wait),
        maximumQueue: settings.queue)
    let service = try Service(network, predictor, answering: .seconds(settings.answer))
    var limits = HTTPServer.Limits()
    limits.connections = settings.connections
    limits.body = settings.body
    limits.allBodies = max(limits.allBodies, settings.body)
    limits.arrival = .seconds(settings.arrival)
    let server = HTTPServer(service, limits: limits)
    let port = try server.start(address: settings.address, port: UInt16(settings.port))
    say("listening on http://\(settings.address):\(port)/")

    var quarter = timespec(tv_sec: 0, tv_nsec: 250_000_000)
    while sigtimedwait(&signals, nil, &quarter) < 0 { server.endLate() }

    // Asked once more, it ends at once.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    say("stopping")
    let isDone = server.stop(within: .seconds(settings.arrival + settings.answer + 5))
    say("stopped after \(service.metrics.total) answers")
    exit(isDone ? 0 : 1)
} catch let error as Settings.Mistake {
    complain("\(error)\n\(Settings.usage)")
    exit(2)
} catch {
    complain("\(error)")
    exit(1)
}
