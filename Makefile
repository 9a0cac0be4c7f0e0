# SPDX-License-Identifier: MIT
#
# What there is to do here, from a fresh Debian machine on: `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-lint bench perf-check test test-mpi sanitize-address sanitize-thread soak \
    setup-neon test-neon test-setup test-names test-serial test-static setup-fresh fresh fuzz \
    fuzz-api setup-examples setup-browser consumer format lint docs

# Which of SwiftPM's build systems to use, for all that is built here: native or swiftbuild.
# SwiftPM's own choice by default. On a Mac's disk, which takes ConvNet and convnet for one name,
# Swift Build's folders for the two would be one.
export BUILD_SYSTEM ?= $(if $(filter Darwin,$(shell uname)),native)
SYSTEM := $(if $(BUILD_SYSTEM),--build-system $(BUILD_SYSTEM))

# Fedora's mpirun is outside the ordinary folders.
export PATH := $(PATH):/usr/lib64/openmpi/bin

# Where HOME can't be written, as in some containers, what compilers cache stays with the build.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export XDG_CACHE_HOME ?= $(CURDIR)/.build/cache
endif

SWIFT_SOURCES := Package.swift Sources Benchmarks Tests Fuzzing/Package.swift Fuzzing/Sources \
    Examples Documentation
C_SOURCES = $(shell git ls-files 'CSources/*.c' 'Tests/*.c' 'CSources/*.h' 'CSources/*.inc' 'Examples/*.c' 'Examples/*.h')

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 28

setup: ## Install the distribution's packages that are missing
	@command -v swift >/dev/null || { \
	    echo "make: swift is missing: install Swift 6.3 from https://swift.org/install" >&2; \
	    exit 1; }
	@Setup/install.sh

setup-lint: setup
	@Setup/install.sh lint

bench: setup ## Check and time the kernels against the reference; all with ARGUMENTS=--full
	swift run $(SYSTEM) Benchmarks $(ARGUMENTS)

perf-check: setup ## Fail where a kernel became slower: BASELINE=file, or BASE=revision (HEAD~1)
	BASELINE="$(BASELINE)" BASE="$(BASE)" Benchmarks/perf-check.sh $(ARGUMENTS)

test: setup ## Run the tests; MNIST_DIR and BOOK_PARAMETERS name the real data
	Tests/run.sh $(ARGUMENTS)

# The program has a build of its own, as the package's trait MPI changes what every module is
# compiled with. The tests only start it: they are those of the ordinary build.
MPI = swift build $(SYSTEM) --traits MPI --scratch-path .build/mpi --product convnet-mpi
test-mpi: setup ## Run the tests of training on several processes
	@if command -v mpirun >/dev/null && pkg-config --exists mpi-c; then \
	    $(MPI) && CONVNET_MPI="$$($(MPI) --show-bin-path)/convnet-mpi" \
	    swift test $(SYSTEM) --filter ConvNetMPITests; \
	else echo "skipped: the tests of training on several processes, as mpirun or mpi-c.pc is missing"; fi

# With fewer random cases, as everything is slower; the tests themselves are optimised for that
# reason. Memory is not recycled, which would hide faults. -Wno-pass-failed: sanitizers keep loops
# from being unrolled, and clang would warn. lld: the default linker warns about each of
# AddressSanitizer's symbols. MPI's trait is on where possible, so that one build has everything.
SANITIZED = -Xswiftc -O -Xswiftc -enable-testing -Xswiftc -DCONVNET_EXACT_MEMORY \
    -Xcc -Wno-pass-failed -Xswiftc -use-ld=lld $(if $(shell command -v mpirun),--traits MPI)
sanitize-address sanitize-thread: export DRAWN_CASES := 8

# Swift has no UndefinedBehaviorSanitizer: it is for the kernels in C. More memory than there is has
# to be refused as it is without the sanitizers. Leaks are looked for where the library's tests end,
# and not in the programs that other tests run by the hundred: that would take them twice as long.
# XCTest, which has no tests here, leaks what it says that in. The benchmark's own tests are
# arithmetic in Swift.
ADDRESS = swift test $(SYSTEM) --disable-xctest --scratch-path .build/sanitize-address --sanitize=address \
    -Xcc -fsanitize=undefined -Xcc -O1 $(SANITIZED)
ADDRESS_OPTIONS := allocator_may_return_null=1:max_allocation_size_mb=3072
PROGRAMS_TESTS := ConvNetCLITests ConvNetMPITests
sanitize-address: export SANITIZER := address
sanitize-address: export UBSAN_OPTIONS := halt_on_error=1:print_stacktrace=1
sanitize-address: export LSAN_OPTIONS = suppressions=$(CURDIR)/Tests/leak-sanitizer.txt

sanitize-address: setup ## Run the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	ASAN_OPTIONS=$(ADDRESS_OPTIONS) $(ADDRESS) \
	    $(or $(ARGUMENTS),--skip BenchmarksTests $(PROGRAMS_TESTS:%=--skip %))
	$(if $(ARGUMENTS),,ASAN_OPTIONS=$(ADDRESS_OPTIONS):detect_leaks=0 \
	    $(ADDRESS) $(PROGRAMS_TESTS:%=--filter %))

# Archer, which comes with libomp, tells ThreadSanitizer how OpenMP synchronizes.
ARCHER = $(firstword $(wildcard /usr/lib/llvm-*/lib/libarcher.so /usr/lib/*/libarcher.so))

sanitize-thread: export SANITIZER := thread
# Tests of numbers that take minutes each under ThreadSanitizer, on kernels whose threads others
# watch; and the benchmark's own tests: statistics on one thread, for ten minutes.
NUMBERS_TESTS := BenchmarksTests NumbersTests ProductTests/blocksFitTogether \
    ProductTests/whatAFactorOfZero ProductTests/fewRowsByATransposedMatrix \
    PointwiseConvolutionTests/isExactOnIntegers PrepackedFiltersTests/kernelsMayChange
sanitize-thread: setup ## Run the tests under ThreadSanitizer
	@test -n "$(ARCHER)" || { echo "make: libarcher.so is missing: install libomp-dev" >&2; exit 1; }
	OMP_TOOL_LIBRARIES=$(ARCHER) \
	    TSAN_OPTIONS="ignore_noninstrumented_modules=1 die_after_fork=0 \
	    allocator_may_return_null=1 \
	    suppressions=$(CURDIR)/Tests/thread-sanitizer.txt" \
	    swift test $(SYSTEM) --disable-xctest --scratch-path .build/sanitize-thread --sanitize=thread \
	    $(SANITIZED) $(NUMBERS_TESTS:%=--skip %) $(ARGUMENTS)

soak: setup ## Train and predict for MINUTES=30, and fail where memory or descriptors grow
	swift run $(SYSTEM) Soak $(or $(MINUTES),30)

fuzz: setup ## Run libFuzzer on each file format for SECONDS_EACH=60
	SECONDS_EACH=$(or $(SECONDS_EACH),60) Fuzzing/run.sh

fuzz-api: setup ## Call the public API CALLS=100000 times with random arguments
	API_CALLS=$(or $(CALLS),100000) swift test $(SYSTEM) --filter DrawnCallsTests

setup-examples: setup ## Install what the example ImageServer needs besides
	@Setup/install.sh examples

setup-browser: ## Install Chromium, in which the example's page is tried; skipped without it
	@Setup/install.sh browser

consumer: setup-examples ## Build and run a user's package, the examples, the documents' code
	Tests/consumers.sh $(ARGUMENTS)

setup-neon: ## Install the cross-compiler and the emulator of test-neon
	@Setup/install.sh neon

test-neon: ## Run the C kernels for 64-bit Arm in an emulator; skipped without its packages
	Tests/KernelProgram/run.sh neon

test-setup: ## Try what set-up would run with apt-get and with dnf, on stand-ins for them
	Tests/setup.sh

# What was built by one target must not take another's place on a Mac's disk.
test-names: ## Fail where names of sources or of what was built differ by case alone
	Tests/case-collisions.sh "$$(swift build $(SYSTEM) --show-bin-path)" Sources CSources Tests

test-serial: setup ## Build convnet without OpenMP, and the C kernels by themselves; try both
	Tests/KernelProgram/run.sh here
	Tests/serial-build.sh

setup-fresh: ## Install what makes the roots of fresh
	@Setup/install.sh fresh

fresh: ## Run the README's commands where nothing else is installed: Debian 12 and 13, root and not
	Tests/fresh.sh $(ARGUMENTS)

test-static: setup ## Run a statically linked program where there is no Swift; skipped unless root
	Tests/static-linking.sh

format: setup-lint ## Format all Swift and C in place
	swift format -i -r -p $(SWIFT_SOURCES)
	clang-format -i $(C_SOURCES)

lint: setup-lint ## Fail where formatters would change a line, a comment is too wide, a script can't be read
	swift format lint --strict -r -p $(SWIFT_SOURCES)
	clang-format --dry-run -Werror $(C_SOURCES)
	set -e; for script in .ci/run $$(git ls-files '*.sh'); do bash -n "$$script"; done
	Tests/comment-width.sh

docs: setup ## Write the documentation as web pages to docs/
	Documentation/build.sh docs
	@echo "docs/ holds the pages; serve them with: python3 -m http.server --directory docs"
