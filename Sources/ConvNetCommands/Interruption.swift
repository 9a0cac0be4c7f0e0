// SPDX-License-Identifier: MIT
//
// Being asked to stop: Ctrl-C (SIGINT) or SIGTERM. The first time is remembered and work ends at the
// next good place; the second time ends the program at once.

import ConvNet
import Foundation
import Synchronization

/// A command that stopped because it was asked to.
package struct Interruption: Error, CustomStringConvertible {
    /// One line that says where it stopped and how to go on.
    package let description: String

    /// What shells report of a program that a signal ended: 130 for SIGINT, 143 for SIGTERM.
    var status: Int32 { 128 + Self.received.load(ordering: .relaxed) }

    /// Made when a signal comes.
    package static let request = StopRequest()
    /// SIGTERM where another rank was asked: mpirun sends it on for Ctrl-C too.
    private static let received = Atomic<Int32>(SIGTERM)

    /// Remembers signals from now on instead of ending at once.
    static func watch() {
        // Touched here first, so that the handler finds both made: a handler may allocate nothing.
        _ = request.isRequested
        received.store(SIGTERM, ordering: .relaxed)
        // Blocked signals are inherited, and never arrive.
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM] {
            sigaddset(&set, number)
            Foundation.signal(number) { number in
                Interruption.received.store(number, ordering: .relaxed)
                Interruption.request.stop()
                Foundation.signal(number, SIG_DFL)
            }
        }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
