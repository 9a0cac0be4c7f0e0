// SPDX-License-Identifier: MIT
//
// What is counted, in the text that Prometheus reads.

import ConvNet
import Foundation
import Synchronization

/// Counts requests and how long predictions took.
final class Metrics: Sendable {
    private struct Key: Hashable { let path: String, status: Int }
    private struct Counts {
        var requests: [Key: Int] = [:]
        var latencies = [Int](repeating: 0, count: Metrics.bounds.count)
        var seconds = 0.0
    }
    private let counts = Mutex(Counts())

    /// Upper bounds of the classes of latencies, in seconds.
    private static let bounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, .infinity,
    ]

    /// Counts an answer.
    ///
    /// - Parameter since: when its request was read to its end, unless it was refused before.
    func count(_ path: String, _ status: Int, since: ContinuousClock.Instant?) {
        let path = Service.paths.contains(path) ? path : "other"
        let duration = (since.map { .now - $0 } ?? Duration.zero).components
        let seconds = Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
        counts.withLock {
            $0.requests[Key(path: path, status: status), default: 0] += 1
            guard path == Service.predictPath, status == 200 else { return }
            let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count - 1
            $0.latencies[place] += 1
            $0.seconds += seconds
        }
    }

    /// How many requests were answered.
    var total: Int { counts.withLock { $0.requests.values.reduce(0, +) } }

    /// Everything, with what the predictor counted.
    func text(_ predictor: BatchingPredictor.Statistics, connections: Int) -> String {
        let counts = counts.withLock { $0 }
        var text = head("requests_total", "counter", "Requests answered.")
        for (key, count) in counts.requests.sorted(by: {
            ($0.key.path, $0.key.status) < ($1.key.path, $1.key.status)
        }) {
            text +=
                "image_server_requests_total{path=\"\(key.path)\",code=\"\(key.status)\"} \(count)\n"
        }
        text += histogram(
            "predict_seconds", "From the end of an upload to its prediction.",
            zip(Self.bounds, counts.latencies).map { ($0, $1) }, sum: counts.seconds)
        text += batches(predictor.batchSizes)
        for (name, kind, help, value) in [
            ("queue_samples", "gauge", "Samples that wait for their batch.", predictor.waiting),
            ("refused_total", "counter", "Requests without room in the queue.", predictor.refused),
            ("cancelled_total", "counter", "Requests that waited too long.", predictor.cancelled),
            ("connections", "gauge", "Open connections.", connections),
        ] {
            text += head(name, kind, help) + "image_server_\(name) \(value)\n"
        }
        if let bytes = Self.residentBytes {
            text += """
                # HELP process_resident_memory_bytes Resident memory.
                # TYPE process_resident_memory_bytes gauge
                process_resident_memory_bytes \(bytes)

                """
        }
        return text
    }

    private func head(_ name: String, _ kind: String, _ help: String) -> String {
        "# HELP image_server_\(name) \(help)\n# TYPE image_server_\(name) \(kind)\n"
    }

    /// The sizes of batches, in classes up to 1, 2, 4 … samples.
    private func batches(_ sizes: [Int]) -> String {
        var classes: [(Double, Int)] = []
        var (first, bound) = (0, 1)
        while first < sizes.count {
            classes.append((Double(bound), sizes[first..<min(bound, sizes.count)].reduce(0, +)))
            (first, bound) = (bound, bound * 2)
        }
        let samples = sizes.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element }
        return histogram(
            "batch_size", "Samples of a batch.", classes + [(.infinity, 0)], sum: Double(samples))
    }

    private func histogram(
        _ name: String, _ help: String, _ classes: [(bound: Double, count: Int)], sum: Double
    ) -> String {
        var (text, total) = (head(name, "histogram", help), 0)
        for (bound, count) in classes {
            total += count
            let limit = bound.isFinite ? String(format: "%g", bound) : "+Inf"
            text += "image_server_\(name)_bucket{le=\"\(limit)\"} \(total)\n"
        }
        return text + "image_server_\(name)_sum \(sum)\nimage_server_\(name)_count \(total)\n"
    }

    /// The process's memory, where Linux tells.
    private static var residentBytes: Int? {
        guard let line = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
