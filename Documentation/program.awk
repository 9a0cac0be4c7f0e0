# SPDX-License-Identifier: MIT
#
# Takes the code out of a Markdown document, for run.sh to run: awk -v out=FOLDER -f
# program.awk FILE.
#
# The Swift blocks of a document are one program, from top to bottom, the shell blocks one script. A
# `text` block right after a Swift block is what that block prints. C++ is compiled alone. A comment
# before a block changes that:
#   <!-- check: new program -->       begins another program, whose names are its own
#   <!-- check: manifest -->          the block is the manifest of a package, Package.swift
#   <!-- check: with MNIST -->        shell commands that are run where MNIST_DIR is set
#   <!-- check: not run, REASON -->   leaves the block out
# Blocks of other languages are left alone. Lines keep the numbers that they have in the document.

function start_program() {
    program = sprintf("%s/program-%d", out, ++programs)
    block = 0
    printf "" > (program ".swift")
    printf "" > (program ".expected")
}

BEGIN {
    separator = "%-- block"
    start_program()
}

/^<!-- check: new program -->$/ { start_program(); next }
/^<!-- check: manifest -->$/ { rule = "manifest"; next }
/^<!-- check: with MNIST -->$/ { rule = ENVIRON["MNIST_DIR"] == "" ? "skip" : ""; next }
/^<!-- check: not run, .* -->$/ { rule = "skip"; next }
/^<!-- check:/ {
    printf "%s:%d: an unknown check\n", FILENAME, FNR > "/dev/stderr"
    failed = 1
    exit 1
}

/^```/ && !inside {
    inside = 1
    language = substr($0, 4)
    target = ""
    if (rule == "skip") {
        # Nothing of it is written anywhere.
    } else if (rule == "manifest") {
        target = out "/Package.swift"
    } else if (language == "swift") {
        target = program ".swift"
        printf "print(\"%s %d\")\n", separator, ++block > target
        printf "#sourceLocation(file: \"%s\", line: %d)\n", FILENAME, FNR + 1 > target
        printf "%s %d\n", separator, block > (program ".expected")
    } else if (language == "sh") {
        target = out "/commands.sh"
    } else if (language == "cpp") {
        target = out "/code.cpp"
    } else if (language == "text" && last == "swift") {
        target = program ".expected"
    }
    last = target == "" ? "" : language
    rule = ""
    next
}
/^```$/ && inside {
    if (language == "swift" && target == program ".swift") print "#sourceLocation()" > target
    inside = 0
    next
}
inside {
    if (target != "") print > target
    next
}
# Text between a block and the next: what is printed stands right behind what prints it.
/[^ \t]/ { last = "" }

END { exit failed }
