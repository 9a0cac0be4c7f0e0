// SPDX-License-Identifier: MIT
//
// Where the programs are that were built with the tests.

import Foundation

/// The programs of this package, as they were built with the tests.
public enum BuiltProducts {
    /// The folder of executables. All lie beside the program that runs the tests, or on a Mac
    /// beside the bundle that another program runs.
    public static let folder: URL = {
        #if os(Linux)
            let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        #else
            let tests =
                Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
                ?? URL(fileURLWithPath: CommandLine.arguments[0])
        #endif
        return tests.deletingLastPathComponent()
    }()

    /// An executable by its name.
    public static func executable(_ name: String) -> URL { folder.appendingPathComponent(name) }
}
