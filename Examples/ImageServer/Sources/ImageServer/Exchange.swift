// SPDX-License-Identifier: MIT
//
// A request while it is read and answered, and the connection that it came on.

import CMicrohttpd
import Foundation
import Synchronization

/// A request and its answer.
final class Exchange: Sendable {
    let method, path: String
    private let state = Mutex(State())

    private struct State {
        var body = Data()
        /// What the body takes of the budget, until the exchange is over.
        var taken = 0
        var answer: Answer?
        var whole: ContinuousClock.Instant?
    }

    init(method: String, path: String) {
        (self.method, self.path) = (method, path)
    }

    /// Makes a part of the body known. What has its answer already needs no body.
    ///
    /// - Parameters:
    ///   - limit: how many bytes the body may have.
    ///   - budget: how many all bodies may have.
    func append(_ part: UnsafeRawBufferPointer, limit: Int, budget: Budget) {
        state.withLock { state in
            guard state.answer == nil else { return }
            if state.body.count + part.count > limit {
                state.answer = .tooLarge(limit)
            } else if !budget.take(part.count) {
                state.answer = .busy("too many bodies are being read")
            } else {
                state.body.append(contentsOf: part)
                state.taken += part.count
                return
            }
            state.body = Data()
        }
    }

    /// The body, which is not kept here.
    func takeBody() -> Data {
        state.withLock { state in
            defer { state.body = Data() }
            return state.body
        }
    }

    /// What the body has taken of the budget, once.
    func end() -> Int {
        state.withLock { state in
            defer { (state.body, state.taken) = (Data(), 0) }
            return state.taken
        }
    }

    var answer: Answer? {
        get { state.withLock { $0.answer } }
        set { state.withLock { $0.answer = newValue } }
    }

    /// When the request was read to its end.
    var whole: ContinuousClock.Instant? {
        get { state.withLock { $0.whole } }
        set { state.withLock { $0.whole = newValue } }
    }
}

/// How many bytes all bodies may have together, until they are answered.
final class Budget: Sendable {
    private let left: Mutex<Int>

    init(_ bytes: Int) { left = Mutex(bytes) }

    func take(_ bytes: Int) -> Bool {
        left.withLock {
            guard $0 >= bytes else { return false }
            $0 -= bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { left.withLock { $0 += bytes } }
}

/// The open connections, so that those on which a client takes too long are closed.
///
/// libmicrohttpd closes a connection on which nothing moves; a client that sends a byte now and
/// then would hold it forever.
final class Connections: Sendable {
    private enum Phase { case idle, reading, answering }
    private struct Connection {
        let socket: Int32
        var phase = Phase.idle
        var since = ContinuousClock.now
    }
    /// By libmicrohttpd's handles.
    private let open = Mutex<[Int: Connection]>([:])

    var count: Int { open.withLock { $0.count } }

    func add(_ connection: OpaquePointer) {
        let socket = microhttpd_socket(connection)
        let key = Int(bitPattern: connection)
        open.withLock { $0[key] = Connection(socket: socket) }
    }

    /// Called before the socket is closed.
    func remove(_ connection: OpaquePointer) {
        let key = Int(bitPattern: connection)
        _ = open.withLock { $0.removeValue(forKey: key) }
    }

    func isReading(_ connection: OpaquePointer) { set(connection, .reading) }
    func isAnswering(_ connection: OpaquePointer) { set(connection, .answering) }
    func isIdle(_ connection: OpaquePointer) { set(connection, .idle) }

    private func set(_ connection: OpaquePointer, _ phase: Phase) {
        let key = Int(bitPattern: connection)
        open.withLock {
            $0[key]?.phase = phase
            $0[key]?.since = .now
        }
    }

    /// Closes the connections on which a request is awaited or read for longer than given; one that
    /// is being answered has all its time.
    func closeSlow(idle: Duration, reading: Duration) {
        let now = ContinuousClock.now
        open.withLock {
            for connection in $0.values {
                let limit: Duration
                switch connection.phase {
                case .idle: limit = idle
                case .reading: limit = reading
                case .answering: continue
                }
                if now - connection.since > limit {
                    shutdown(connection.socket, Int32(SHUT_RDWR))
                }
            }
        }
    }
}
