// SPDX-License-Identifier: MIT
//
// A lock for a few instructions. One of pthread's, not Synchronization's Mutex: ThreadSanitizer
// sees the one and not the other.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Lets one thread at a time pass.
package final class Lock: Sendable {
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

// The child of a process that forks has only one thread. A lock that another thread holds at
// that moment would stay locked there forever, and what it guards half changed. So a fork waits
// for these locks.
extension Lock {
    private static let count = 64

    /// Locks that a fork waits for, in the order in which one may be taken while another is held.
    private static let survivors: [Lock] = {
        let locks = (0...count).map { _ in Lock() }
        pthread_atfork(
            { for lock in Lock.survivors { pthread_mutex_lock(lock.mutex) } },
            { for lock in Lock.survivors { pthread_mutex_unlock(lock.mutex) } },
            { for lock in Lock.survivors { pthread_mutex_unlock(lock.mutex) } })
        return locks
    }()

    /// The lock of the recycler of tensors' memory. What is done under any other may free a tensor.
    package static var ofRecycler: Lock { survivors[count] }

    /// One of some locks that objects share: a fork can't wait for one of each object's own.
    package static func survivingForks(for object: AnyObject) -> Lock {
        survivors[Int(bitPattern: ObjectIdentifier(object)) >> 5 & (count - 1)]
    }
}
