// SPDX-License-Identifier: MIT
//
// What an epoch's batches are, and whether the network can train on them: found out before the
// first step rather than at the end of an epoch.

/// How an epoch's samples fall into batches.
struct EpochBatches: Sendable {
    /// The samples of a batch; the last one may have fewer.
    let size: Int
    /// How many batches there are.
    let count: Int
    /// How many samples they have together.
    let samples: Int

    /// The sizes that batches have: the full one and that of the last one.
    var sizes: Set<Int> {
        let last = samples - (count - 1) * size
        return count > 1 ? [size, last] : [last]
    }
}

extension Trainer {
    /// How a source's samples fall into batches.
    ///
    /// - Throws: ``TensorError`` when no batch is left.
    func batches(of source: any BatchSource) throws(TensorError) -> EpochBatches {
        let samples = max(source.sampleCount, 0)
        guard dropLast else {
            return EpochBatches(
                size: batchSize, count: source.batchCount(size: batchSize), samples: samples)
        }
        let count = samples / batchSize
        guard count > 0 else {
            throw TensorError(
                operation: "Trainer", argument: "batchSize", value: "\(batchSize)",
                expected: "at most \(samples), the number of samples, with dropLast")
        }
        return EpochBatches(size: batchSize, count: count, samples: count * batchSize)
    }

    /// Fails where a layer can't train on a batch of a size that there will be.
    func requireTrainable(
        _ network: Network, on source: any BatchSource, _ batches: EpochBatches
    ) throws {
        guard batches.count > 0 else { return }
        for size in batches.sizes.sorted() {
            let layout =
                sharding?.layout(samples: size) ?? ShardLayout(samples: size, shards: 1, ranks: 1)
            let sizes = Set((0..<layout.shards).map { layout.samples(ofShard: $0).count })
            for samples in sizes.sorted() where samples > 0 {
                do {
                    try network.requireTrainable(
                        samples: samples, except: updater.part.frozenNodes(of: network.graph))
                } catch let error as TensorError {
                    throw TensorError(
                        operation: error.operation, argument: error.argument, value: error.value,
                        expected: error.expected + remedy(for: size, batches))
                }
            }
        }
    }

    private func remedy(for size: Int, _ batches: EpochBatches) -> String {
        guard size < batches.size else { return "; a larger batch size may help" }
        return "; the last batch has \(size) of \(batches.samples) samples: leave it out "
            + "(dropLast), or choose another batch size"
    }
}

extension Network {
    /// Fails where a layer can't train on so many samples.
    ///
    /// - Parameter frozen: the nodes that work as in prediction.
    func requireTrainable(samples: Int, except frozen: Set<Int> = []) throws {
        for (place, node) in graph.nodes.enumerated() where !frozen.contains(place) {
            let shapes = try node.inputs.map { try [samples] + graph.shape(of: $0) }
            do {
                try node.layer.requireTrainable(on: shapes)
            } catch let error as TensorError {
                throw TensorError(
                    operation: "layer \(node.name) (\(error.operation))",
                    argument: error.argument, value: error.value, expected: error.expected)
            }
        }
    }
}
