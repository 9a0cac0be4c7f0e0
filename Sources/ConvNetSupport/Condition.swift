// SPDX-License-Identifier: MIT
//
// A lock whose holder can wait until another thread has changed what it guards. By pthread's calls,
// as ThreadSanitizer does not see those that Foundation makes.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Lets one thread at a time pass, and threads wait for a change.
package final class Condition: Sendable {
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            // A clock that nobody sets.
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    package func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Waits under the lock, which others may take meanwhile; may end without a change.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// Waits under the lock for a change, but not longer than until a time.
    ///
    /// - Parameter time: nanoseconds of ``now``.
    package func wait(until time: UInt64) {
        let perSecond: UInt64 = 1_000_000_000
        #if canImport(Darwin)
            let now = Self.now
            let left = time > now ? time - now : 0
            var duration = timespec(
                tv_sec: Int(left / perSecond), tv_nsec: Int(left % perSecond))
            pthread_cond_timedwait_relative_np(condition, mutex, &duration)
        #else
            var end = timespec()
            end.tv_sec = time_t(time / perSecond)
            end.tv_nsec = Int(time % perSecond)
            pthread_cond_timedwait(condition, mutex, &end)
        #endif
    }

    /// Wakes one thread that waits.
    package func signal() { pthread_cond_signal(condition) }

    /// Wakes all threads that wait.
    package func broadcast() { pthread_cond_broadcast(condition) }

    /// Nanoseconds of a clock that only goes forward.
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
