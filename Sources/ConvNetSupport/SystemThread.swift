// SPDX-License-Identifier: MIT
//
// A thread of the system's own, for work that waits: a task that blocks would take a thread from
// Swift's pool, which has no more than processors. By pthread's calls, as ThreadSanitizer does not
// see those that Foundation makes; their types differ from system to system.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread that runs a closure and ends with it. One of ``join()`` and ``detach()`` has to follow.
package struct SystemThread: @unchecked Sendable {
    // Sendable: a handle is a number or a pointer that any thread may use.
    private let handle: pthread_t

    /// Why the system started no thread.
    package struct Refusal: Error {
        /// What the system says.
        package let message: String
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread, which keeps the closure until it ends.
    ///
    /// - Throws: ``Refusal`` when the system can't start one; the closure is not called.
    package init(_ body: @escaping @Sendable () -> Void) throws(Refusal) {
        // A number in glibc, a pointer elsewhere, which Swift takes for one that may be nil.
        #if canImport(Glibc)
            var created = pthread_t()
        #else
            var created: pthread_t?
        #endif
        let context = Unmanaged.passRetained(Body(body))
        let status = pthread_create(
            &created, nil,
            { context in
                Self.run(context)
                return nil
            }, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw Refusal(message: String(cString: strerror(status)))
        }
        #if canImport(Glibc)
            handle = created
        #else
            guard let created else { throw Refusal(message: String(cString: strerror(EAGAIN))) }
            handle = created
        #endif
    }

    /// What the thread does. Whether the pointer may be nil differs too.
    private static func run(_ context: UnsafeMutableRawPointer?) {
        guard let context else { return }
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
    }

    /// Waits until the thread has ended.
    package func join() { pthread_join(handle, nil) }

    /// Lets the thread end by itself.
    package func detach() { pthread_detach(handle) }
}
