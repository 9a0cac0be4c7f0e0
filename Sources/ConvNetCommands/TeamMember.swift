// SPDX-License-Identifier: MIT
//
// What the train command has to know where it is one of several that train together. Which engine
// connects them is not its business.

import ConvNet

/// One process of a team.
package struct TeamMember {
    /// What adds up the team's gradients.
    let averager: any GradientAverager
    /// The number of threads that this process uses by default.
    let standardThreads: Int
    /// How the team is called, as people type it.
    let tool: String
    /// What must be the same in the whole team, as text by name.
    let identity: [String: String]
    /// What sharing has cost so far.
    let communication: () -> Communication

    /// How long gradients travelled, in seconds, and how long the process waited for that alone.
    package struct Communication {
        let seconds: Double
        let waited: Double

        /// Puts both together.
        package init(seconds: Double, waited: Double) {
            self.seconds = seconds
            self.waited = waited
        }

        /// The share that was hidden behind computing; 1 where nothing travelled.
        var hiddenShare: Double { seconds > 0 ? max(1 - waited / seconds, 0) : 1 }
    }

    /// A member.
    package init(
        averager: any GradientAverager, standardThreads: Int, tool: String,
        identity: [String: String], communication: @escaping () -> Communication
    ) {
        self.averager = averager
        self.standardThreads = standardThreads
        self.tool = tool
        self.identity = identity
        self.communication = communication
    }

    /// Whether it is the one that reports and writes files.
    var isFirst: Bool { averager.rank == 0 }
}
