// SPDX-License-Identifier: MIT
//
// A place in a network where predictions wait until a test lets them pass.

import ConvNet
import Foundation

/// Holds back every caller until it is opened.
final class Gate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = false
    private var counts = (waiting: 0, most: 0, entries: 0)

    /// How many are held back.
    var waiting: Int { condition.withLock { counts.waiting } }
    /// How many were at once.
    var most: Int { condition.withLock { counts.most } }
    /// How many came by.
    var entries: Int { condition.withLock { counts.entries } }

    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
        }
    }

    func pass() {
        condition.withLock {
            counts.entries += 1
            counts.waiting += 1
            counts.most = max(counts.most, counts.waiting)
            while !isOpen { condition.wait() }
            counts.waiting -= 1
        }
    }
}

/// A layer that passes a gate.
struct GateLayer: UnaryLayer {
    let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        gate.pass()
        return x
    }
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        Forward(x) { outputGradient, _ in LayerGradients(input: outputGradient) }
    }
}
