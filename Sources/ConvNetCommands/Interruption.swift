// SPDX-License-Identifier: MIT
//
// How a command ends that was asked to stop.

import ConvNetOptions

/// A command that stopped because it was asked to.
package struct Interruption: Error, CustomStringConvertible {
    /// One line that says where it stopped and how to resume.
    package let description: String

    /// The exit status.
    var status: Int32 { StopSignals.status }
}
