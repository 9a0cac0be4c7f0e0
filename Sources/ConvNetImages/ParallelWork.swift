// SPDX-License-Identifier: MIT
//
// Work on many images by some threads: each takes the next piece that is left, so that a large
// photograph delays no other thread.

import ConvNetSupport
import Foundation

enum ParallelWork {
    /// How many places a thread takes at a time.
    private static let pieceSize = 16

    /// One thread for each processor that the process may use.
    static var standardThreads: Int { max(ProcessInfo.processInfo.activeProcessorCount, 1) }

    /// Where the next piece begins.
    private final class Counter: Sendable {
        private let lock = Lock()
        private nonisolated(unsafe) var next = 0
        private let end: Int
        init(end: Int) { self.end = end }

        func take() -> Range<Int> {
            lock.withLock {
                defer { next = min(next + ParallelWork.pieceSize, end) }
                return next..<min(next + ParallelWork.pieceSize, end)
            }
        }
    }

    /// The results of some places, in order, whichever thread made them.
    private struct Results<Result>: @unchecked Sendable {
        // Sendable: each place is written by one thread.
        let places: UnsafeMutableBufferPointer<Result?>
    }

    /// Makes a result for each place from 0 up.
    ///
    /// - Parameters:
    ///   - threads: how many work; this one among them.
    ///   - worker: called once by each thread, gives what makes its results.
    static func map<Result: Sendable>(
        _ count: Int, threads: Int,
        worker: @escaping @Sendable () -> (Int) -> Result
    ) -> [Result] {
        var results = [Result?](repeating: nil, count: count)
        results.withUnsafeMutableBufferPointer { buffer in
            let (counter, results) = (Counter(end: count), Results(places: buffer))
            let work: @Sendable () -> Void = {
                let make = worker()
                while case let piece = counter.take(), !piece.isEmpty {
                    for place in piece { results.places[place] = make(place) }
                }
            }
            // Where the system starts no more threads, fewer do the work.
            let pieces = (count + pieceSize - 1) / pieceSize
            let others = (1..<min(max(threads, 1), max(pieces, 1))).compactMap { _ in
                try? SystemThread(work)
            }
            work()
            for thread in others { thread.join() }
        }
        return results.compactMap { $0 }
    }
}
