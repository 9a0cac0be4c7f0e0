// SPDX-License-Identifier: MIT
//
// What a layer was made with, beside its tensors, in a form that a file can hold. Files are not
// trusted: the code that reads a setting says what it may be.

/// The value of a layer's setting.
public enum LayerSetting: Sendable, Hashable {
    /// True or false.
    case flag(Bool)
    /// A whole number.
    case integer(Int)
    /// Any number.
    case number(Double)
    /// Whole numbers, such as one an axis.
    case integers([Int])
    /// A word.
    case text(String)
}

/// What a layer was made with, beside its tensors, by name.
///
/// ```swift
/// let settings: LayerSettings = ["size": .integers([2, 2]), "ceil_mode": .flag(false)]
/// let size = try settings.integers("size", count: 2, in: 1...1000)
/// ```
public struct LayerSettings: Sendable, Hashable, Codable, ExpressibleByDictionaryLiteral {
    private var values: [String: LayerSetting]

    /// Settings with the given names; the last of several with one name holds.
    public init(dictionaryLiteral elements: (String, LayerSetting)...) {
        values = Dictionary(elements) { $1 }
    }

    /// The setting of a name, or nil.
    public subscript(_ name: String) -> LayerSetting? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// These settings and others; the others hold where both have one.
    public func merging(_ others: LayerSettings) -> LayerSettings {
        var merged = self
        merged.values.merge(others.values) { $1 }
        return merged
    }

    /// A whole number in a range.
    ///
    /// - Throws: ``TensorError`` when the setting is missing, of another kind or out of range.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws(TensorError) -> Int {
        let rule = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .integer(let value) = values[name], range.contains(value) else {
            throw refused(name, expected: rule)
        }
        return value
    }

    /// So many whole numbers in a range.
    ///
    /// - Throws: ``TensorError`` when the setting is missing, of another kind, of another length or
    ///   out of range.
    public func integers(
        _ name: String, count: Int, in range: ClosedRange<Int>
    ) throws(TensorError) -> [Int] {
        let rule = "\(count) whole numbers from \(range.lowerBound) to \(range.upperBound)"
        guard case .integers(let numbers) = values[name], numbers.count == count,
            numbers.allSatisfy(range.contains)
        else { throw refused(name, expected: rule) }
        return numbers
    }

    /// Any number of whole numbers in a range.
    ///
    /// - Throws: ``TensorError`` when the setting is missing, of another kind or out of range.
    public func integers(
        _ name: String, in range: ClosedRange<Int>
    ) throws(TensorError) -> [Int] {
        let rule = "whole numbers from \(range.lowerBound) to \(range.upperBound)"
        guard case .integers(let numbers) = values[name], numbers.allSatisfy(range.contains) else {
            throw refused(name, expected: rule)
        }
        return numbers
    }

    /// A finite number.
    ///
    /// - Throws: ``TensorError`` when the setting is missing or of another kind.
    public func number(_ name: String) throws(TensorError) -> Double {
        switch values[name] {
        case .integer(let value): return Double(value)
        case .number(let value) where value.isFinite: return value
        default: throw refused(name, expected: "a finite number")
        }
    }

    /// True or false.
    ///
    /// - Throws: ``TensorError`` when the setting is missing or of another kind.
    public func flag(_ name: String) throws(TensorError) -> Bool {
        guard case .flag(let value) = values[name] else {
            throw refused(name, expected: "true or false")
        }
        return value
    }

    /// A word.
    ///
    /// - Throws: ``TensorError`` when the setting is missing or of another kind.
    public func text(_ name: String) throws(TensorError) -> String {
        guard case .text(let value) = values[name] else {
            throw refused(name, expected: "a word")
        }
        return value
    }

    /// A word that stands for a case of an enumeration.
    ///
    /// - Throws: ``TensorError`` when the setting is missing, of another kind or no case's word.
    public func oneOf<Value: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(TensorError) -> Value where Value.RawValue == String {
        guard case .text(let word) = values[name], let value = Value(rawValue: word) else {
            let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw refused(name, expected: "one of \(words)")
        }
        return value
    }

    /// Fails when there is a setting besides the given ones: one that is never read may
    /// have been meant.
    ///
    /// - Throws: ``TensorError`` that names the first of them.
    public func require(only names: [String]) throws(TensorError) {
        if let extra = values.keys.filter({ !names.contains($0) }).min() {
            let rule = names.isEmpty ? "no settings" : "only \(names.joined(separator: ", "))"
            throw refused(extra, expected: rule)
        }
    }

    private func refused(_ name: String, expected: String) -> TensorError {
        TensorError(
            operation: "settings", argument: name,
            value: values[name].map { "\($0)" } ?? "missing", expected: expected)
    }

    /// Settings from a JSON object.
    public init(from decoder: any Decoder) throws { values = try .init(from: decoder) }

    /// Writes a JSON object.
    public func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}

extension LayerSetting: Codable, CustomStringConvertible {
    /// A setting from a JSON value: true or false, a number, whole numbers in an array, or a text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? container.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let integers = try? container.decode([Int].self) {
            self = .integers(integers)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    /// Writes a JSON value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .integers(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        }
    }

    /// The value as JSON has it, except that a text stands without quotes.
    public var description: String {
        switch self {
        case .flag(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .integers(let value): "\(value)"
        case .text(let value): value
        }
    }
}
