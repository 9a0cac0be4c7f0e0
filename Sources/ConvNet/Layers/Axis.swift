// SPDX-License-Identifier: MIT
//
// Which axis of its input a layer means.

/// Axes of values, whose first one counts samples and is no layer's business, but for those of
/// imported models.
enum Axis {
    /// The setting of layers that may take the first axis for one like the others.
    static let setting = "takes_samples"

    /// Fails where the axis of a layer is that of samples, whatever the input.
    static func check(_ axis: Int, operation: String) throws(TensorError) {
        guard axis != 0 else { throw refused(axis, "not 0, the axis of samples", operation) }
    }

    /// The axis of an input that a layer means, from 1 on; it may be counted from the end, -1
    /// being the last.
    ///
    /// - Parameter takesSamples: whether it may be that of samples.
    static func resolved(
        _ axis: Int, of shape: [Int], operation: String, takesSamples: Bool = false
    ) throws(TensorError) -> Int {
        let resolved = axis < 0 ? axis + shape.count : axis
        guard resolved >= (takesSamples ? 0 : 1), resolved < shape.count else {
            throw refused(axis, "an axis of \(shape) behind that of samples", operation)
        }
        return resolved
    }

    private static func refused(_ axis: Int, _ rule: String, _ operation: String) -> TensorError {
        TensorError(operation: operation, argument: "axis", value: "\(axis)", expected: rule)
    }

    /// The settings of a layer, which say where it may take the axis of samples.
    static func settings(_ settings: LayerSettings, takesSamples: Bool) -> LayerSettings {
        takesSamples ? settings.merging([setting: .flag(true)]) : settings
    }

    /// Whether settings say so; only those of the given names may stand beside it.
    static func takeSamples(
        _ settings: LayerSettings, others: [String]
    ) throws(TensorError) -> Bool {
        guard settings[setting] != nil else {
            try settings.require(only: others)
            return false
        }
        try settings.require(only: others + [setting])
        return try settings.flag(setting)
    }
}
