// SPDX-License-Identifier: MIT
//
// HTTP by libmicrohttpd: one thread reads and writes all connections, and a request that has been
// read to its end is put aside while a task of Swift's makes its answer.

import CMicrohttpd
import Foundation
import Synchronization

/// Answers HTTP requests until it is stopped.
final class HTTPServer: Sendable {
    struct Limits: Sendable {
        /// Connections at once; others wait until one is closed.
        var connections = 256
        /// Bytes of a body, and of all that are not answered yet.
        var body = 8 << 20
        var allBodies = 128 << 20
        /// How long a request may take to arrive.
        var arrival = Duration.seconds(10)
    }

    private let limits: Limits
    private let service: Service
    private let connections = Connections()
    private let budget: Budget
    private let daemon = Mutex<Daemon?>(nil)
    private let isStopping = Atomic(false)

    /// libmicrohttpd's handles may be used from any thread.
    private struct Daemon: @unchecked Sendable { let pointer: OpaquePointer }
    private struct Suspended: @unchecked Sendable { let pointer: OpaquePointer }

    struct Failure: Error, CustomStringConvertible { let description: String }

    init(_ service: Service, limits: Limits) {
        (self.service, self.limits) = (service, limits)
        budget = Budget(limits.allBodies)
    }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - address: an IPv4 address of this machine.
    ///   - port: 0 for any that is free.
    /// - Returns: the port.
    func start(address: String, port: UInt16) throws -> UInt16 {
        // The server lives until the process ends.
        let context = Unmanaged.passRetained(self).toOpaque()
        let started = address.withCString { address in
            var settings = microhttpd_settings()
            settings.address = address
            settings.port = port
            settings.connections = UInt32(limits.connections)
            settings.idle_seconds = UInt32(limits.arrival.components.seconds) + 1
            settings.context = context
            settings.handle = { context, connection, url, method, _, part, size, exchange in
                guard let context, let connection, let url, let method, let size, let exchange
                else { return .NO }
                let path = String(cString: url)
                return HTTPServer.of(context).handle(
                    connection, String(cString: method), path,
                    UnsafeRawBufferPointer(start: part, count: size.pointee), size, exchange)
            }
            settings.completed = { context, connection, exchange, _ in
                guard let context, let connection, let kept = exchange?.pointee else { return }
                exchange?.pointee = nil
                HTTPServer.of(context).completed(
                    connection, Unmanaged<Exchange>.fromOpaque(kept).takeRetainedValue())
            }
            settings.connected = { context, connection, _, change in
                guard let context, let connection else { return }
                let open = HTTPServer.of(context).connections
                if change == .CONNECTION_NOTIFY_STARTED {
                    open.add(connection)
                } else {
                    open.remove(connection)
                }
            }
            return microhttpd_start(&settings)
        }
        guard let started else {
            throw Failure(
                description: "\(address):\(port) can't be listened on: "
                    + String(cString: strerror(errno)))
        }
        daemon.withLock { $0 = Daemon(pointer: started) }
        return microhttpd_port(started)
    }

    /// How many connections are open.
    var connectionCount: Int { connections.count }

    /// Ends what takes too long: requests that arrive, and predictions that wait. To be called now
    /// and then.
    func endLate() {
        connections.closeSlow(idle: limits.arrival, reading: limits.arrival)
        service.cancelLate()
    }

    /// Takes no more connections, answers what came on those that are open, and closes them.
    ///
    /// - Parameter limit: how long that may take.
    /// - Returns: whether it did not take longer.
    func stop(within limit: Duration) -> Bool {
        guard let daemon = daemon.withLock({ $0.take() })?.pointer else { return true }
        isStopping.store(true, ordering: .relaxed)
        let listener = MHD_quiesce_daemon(daemon)
        // The system has opened connections that were not taken yet: their clients may have sent
        // a request.
        while true {
            let socket = accept(listener, nil, nil)
            guard socket >= 0 else { break }
            var address = sockaddr()
            address.sa_family = sa_family_t(AF_INET)
            MHD_add_connection(daemon, socket, &address, socklen_t(MemoryLayout<sockaddr>.size))
        }
        shutdown(listener, Int32(SHUT_RD))
        let end = ContinuousClock.now + limit
        while connections.count > 0, .now < end {
            // A request that is on its way has some seconds to begin.
            connections.closeSlow(idle: min(.seconds(3), limits.arrival), reading: limits.arrival)
            service.cancelLate()
            usleep(20_000)
        }
        // With requests that are put aside it would end the process.
        guard connections.count == 0 else { return false }
        MHD_stop_daemon(daemon)
        close(listener)
        return true
    }

    private static func of(_ context: UnsafeMutableRawPointer) -> HTTPServer {
        Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
    }

    /// Called when a request's head is there, for each part of its body, at its end, and once more
    /// when its answer is.
    private func handle(
        _ connection: OpaquePointer, _ method: String, _ path: String,
        _ part: UnsafeRawBufferPointer, _ size: UnsafeMutablePointer<Int>,
        _ kept: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> MHD_Result {
        guard let known = kept.pointee else {
            let exchange = Exchange(method: method, path: path)
            kept.pointee = Unmanaged.passRetained(exchange).toOpaque()
            connections.isReading(connection)
            let length = MHD_lookup_connection_value(connection, .HEADER_KIND, "Content-Length")
            let bytes = length.flatMap { Int(String(cString: $0)) } ?? 0
            let refusal =
                service.refusal(method, path)
                ?? (bytes > limits.body ? .tooLarge(limits.body) : nil)
            guard let refusal else { return .YES }
            return send(refusal, exchange, connection)
        }
        let exchange = Unmanaged<Exchange>.fromOpaque(known).takeUnretainedValue()
        if size.pointee > 0 {
            exchange.append(part, limit: limits.body, budget: budget)
            size.pointee = 0
            return .YES
        }
        if let answer = exchange.answer { return send(answer, exchange, connection) }
        connections.isAnswering(connection)
        exchange.whole = .now
        MHD_suspend_connection(connection)
        let suspended = Suspended(pointer: connection)
        Task {
            exchange.answer = await service.answer(
                method, path, exchange.takeBody(), connections: connections.count)
            MHD_resume_connection(suspended.pointer)
        }
        return .YES
    }

    private func send(
        _ answer: Answer, _ exchange: Exchange, _ connection: OpaquePointer
    ) -> MHD_Result {
        connections.isAnswering(connection)
        var body = answer.body
        let response = body.withUnsafeMutableBytes {
            MHD_create_response_from_buffer($0.count, $0.baseAddress, .RESPMEM_MUST_COPY)
        }
        guard let response else { return .NO }
        defer { MHD_destroy_response(response) }
        var headers = answer.headers
        headers["Content-Type"] = answer.type
        headers["Cache-Control"] = "no-store"
        headers["X-Content-Type-Options"] = "nosniff"
        if isStopping.load(ordering: .relaxed) { headers["Connection"] = "close" }
        for (name, value) in headers { MHD_add_response_header(response, name, value) }
        service.metrics.count(exchange.path, answer.status, since: exchange.whole)
        return MHD_queue_response(connection, UInt32(answer.status), response)
    }

    private func completed(_ connection: OpaquePointer, _ exchange: Exchange) {
        budget.giveBack(exchange.end())
        connections.isIdle(connection)
    }
}
