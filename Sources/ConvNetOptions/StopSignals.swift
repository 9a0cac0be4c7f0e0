// SPDX-License-Identifier: MIT
//
// Being asked to stop: Ctrl-C (SIGINT) or SIGTERM. The first time is remembered and work ends at
// the next good place; the second time ends the program at once.

import ConvNet
import Foundation
import Synchronization

package enum StopSignals {
    /// Made when a signal comes.
    package static let request = StopRequest()
    /// SIGTERM where another process was asked: mpirun sends it on for Ctrl-C too.
    private static let received = Atomic<Int32>(SIGTERM)
    /// Whether the first signal is answered.
    private static let answers = Atomic(false)
    private static let answer: StaticString = "\nstopping soon; Ctrl-C again stops at once\n"

    /// What shells report of a program that a signal ended: 130 for SIGINT, 143 for SIGTERM.
    package static var status: Int32 { 128 + received.load(ordering: .relaxed) }

    /// Remembers signals from now on instead of ending at once.
    ///
    /// - Parameter answering: whether the first one is answered by a line, on a terminal only:
    ///   where work goes on for seconds.
    package static func watch(answering: Bool = false) {
        // Touched here first, so that the handler finds both made: a handler may allocate nothing.
        _ = request.isRequested
        received.store(SIGTERM, ordering: .relaxed)
        answers.store(answering && isatty(STDERR_FILENO) == 1, ordering: .relaxed)
        _ = answer.utf8CodeUnitCount
        // Blocked signals are inherited, and never arrive.
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM] {
            sigaddset(&set, number)
            Foundation.signal(number) { number in
                StopSignals.received.store(number, ordering: .relaxed)
                StopSignals.request.stop()
                if StopSignals.answers.load(ordering: .relaxed) {
                    let text = StopSignals.answer
                    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
                }
                Foundation.signal(number, SIG_DFL)
            }
        }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
