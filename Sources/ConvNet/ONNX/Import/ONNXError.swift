// SPDX-License-Identifier: MIT
//
// What of a model can't be run, all of it at once.

/// A model that can't be run: every operator that is not supported, with the reason.
public struct ONNXError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One operator that can't be run.
    public struct Reason: Hashable, Sendable, CustomStringConvertible {
        /// The operator's name in the file.
        public let node: String
        /// What ONNX calls the operator, such as `Conv`.
        public let operation: String
        /// The attribute or input that is the trouble; empty where it is the operator itself.
        public let attribute: String
        /// What it is.
        public let value: String
        /// What would do.
        public let expected: String

        /// One line with all of it.
        public var description: String {
            let subject = attribute.isEmpty ? value : "\(attribute) is \(value)"
            return "\(node) (\(operation)): \(subject), expected \(expected)"
        }
    }

    /// The file.
    public let file: String
    /// The reasons, in the order of the operators.
    public let reasons: [Reason]

    /// The file and the reasons, one per line.
    public var description: String {
        reasons.count == 1
            ? "\(file): \(reasons[0])"
            : "\(file): \(reasons.count) operators are not supported\n"
                + reasons.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// Why one operator can't be run.
struct ONNXRefusal: Error {
    let attribute: String
    let value: String
    let expected: String

    init(_ attribute: String = "", _ value: String, expected: String) {
        (self.attribute, self.value, self.expected) = (attribute, value, expected)
    }
}
