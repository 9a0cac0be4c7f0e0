// SPDX-License-Identifier: MIT
//
// Layers that a file can describe, so that a network is loaded without code of its own.

/// A layer that can be written to a file and made again from it.
///
/// The package's layers all are. Your own layer becomes one by conforming, and is loaded by handing
/// its type to `Network(contentsOf:kernels:layerTypes:)`.
///
/// ```swift
/// extension Doubling: DescribedLayer {
///     static let typeName = "Doubling"
///     var layerSettings: LayerSettings { [:] }
///     init(settings: LayerSettings, tensors: LayerTensors) throws {
///         try settings.require(only: [])
///         self.init()
///     }
/// }
/// ```
public protocol DescribedLayer: Layer {
    /// What files call the type; never changed, or older files can't be read.
    static var typeName: String { get }

    /// What the layer was made with, beside its parameters and buffers.
    var layerSettings: LayerSettings { get }

    /// The layer that a file describes. The file is not trusted: settings and tensors are checked
    /// here, and memory is taken for the tensors alone.
    ///
    /// - Parameters:
    ///   - settings: as ``layerSettings`` wrote them, or wrong.
    ///   - tensors: the parameters and buffers, or others.
    /// - Throws: ``TensorError`` when they don't describe such a layer.
    init(settings: LayerSettings, tensors: LayerTensors) throws
}

/// The parameters and buffers of one layer of a file, by their keys.
public struct LayerTensors: Sendable {
    private let values: [String: Tensor]

    /// Tensors by their keys, such as `W` and `b`.
    public init(_ values: [String: Tensor]) { self.values = values }

    /// Whether there is a tensor of a key.
    public func has(_ key: String) -> Bool { values[key] != nil }

    /// The tensors of the given keys, in their order, and nothing beside them.
    ///
    /// - Throws: ``TensorError`` when one is missing, or there is another.
    @discardableResult
    public func require(only keys: [String]) throws(TensorError) -> [Tensor] {
        if let extra = values.keys.filter({ !keys.contains($0) }).min() {
            let rule = keys.isEmpty ? "no tensors" : "only \(keys.joined(separator: ", "))"
            throw refused(extra, "present", expected: rule)
        }
        var tensors: [Tensor] = []
        for key in keys {
            guard let tensor = values[key] else {
                throw refused(key, "missing", expected: "a tensor")
            }
            tensors.append(tensor)
        }
        return tensors
    }

    private func refused(_ key: String, _ value: String, expected: String) -> TensorError {
        TensorError(operation: "tensors", argument: key, value: value, expected: expected)
    }
}
