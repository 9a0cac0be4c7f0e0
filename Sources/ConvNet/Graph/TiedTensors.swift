// SPDX-License-Identifier: MIT
//
// Which tensors of a graph's nodes are one. Layers are values, so that each node holds a
// tensor of its own; a graph says which of them belong together, and what changes one of them
// puts it into all.

/// A place for a tensor: among the parameters of a node, or among its buffers.
struct TensorPlace: Hashable, Comparable, Sendable {
    /// The node's number.
    let node: Int
    /// The tensor's number among the node's.
    let index: Int

    static func < (one: TensorPlace, other: TensorPlace) -> Bool {
        (one.node, one.index) < (other.node, other.index)
    }
}

/// Which places hold the same tensor as an earlier one.
struct TiedTensors: Hashable, Sendable {
    private var owners: [TensorPlace: TensorPlace] = [:]

    /// Whether each place has a tensor of its own.
    var isEmpty: Bool { owners.isEmpty }

    /// The first place that holds the same tensor; most often the place itself.
    func owner(of place: TensorPlace) -> TensorPlace { owners[place] ?? place }

    /// Lets two places hold one tensor, and so all that are tied to either.
    mutating func tie(_ one: TensorPlace, _ other: TensorPlace) {
        let (first, second) = (owner(of: one), owner(of: other))
        guard first != second else { return }
        let (kept, given) = (min(first, second), max(first, second))
        for (place, owner) in owners where owner == given { owners[place] = kept }
        owners[given] = kept
    }

    /// The places that hold the same tensor as an earlier one, in order.
    var followers: [TensorPlace] { owners.keys.sorted() }
}

/// The tensors of a graph's nodes in one list, in which each is once.
struct TensorLayout: Sendable {
    /// For each node the number of each of its tensors in the list.
    let numbers: [[Int]]
    /// For each tensor of the list the first place that holds it.
    let owners: [TensorPlace]
    /// Whether some tensor has several places.
    let hasTies: Bool

    /// A layout of nodes with so many tensors each.
    init(counts: [Int], _ ties: TiedTensors) {
        var (numbers, owners) = ([[Int]](), [TensorPlace]())
        for (node, count) in counts.enumerated() {
            numbers.append([])
            for index in 0..<count {
                let place = TensorPlace(node: node, index: index)
                let owner = ties.owner(of: place)
                if owner == place {
                    numbers[node].append(owners.count)
                    owners.append(place)
                } else {
                    numbers[node].append(numbers[owner.node][owner.index])
                }
            }
        }
        self.numbers = numbers
        self.owners = owners
        hasTies = !ties.isEmpty
    }

    /// Whether a node's tensor is in the list by this place.
    func isOwner(_ node: Int, _ index: Int) -> Bool {
        owners[numbers[node][index]] == TensorPlace(node: node, index: index)
    }
}
