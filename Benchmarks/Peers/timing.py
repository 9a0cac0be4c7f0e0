# SPDX-License-Identifier: MIT
"""What the scripts of this folder share: how a run is timed, and the benchmark's own times."""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BENCHMARKS = HERE.parent.parent / ".build" / "release" / "Benchmarks"
SECONDS_PER_ROUND = 0.6


def options(description, names):
    """What a script was called with: some names, how many threads, how many rounds."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(names, nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_intermixed_args()


def best(run, seconds=SECONDS_PER_ROUND):
    """The shortest of the runs that fit in a round, in milliseconds, after one warm-up run."""
    run()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def ours(case, threads, *options):
    """The benchmark's rows for the cases whose name contains some text, by name."""
    with tempfile.TemporaryDirectory() as place:
        report = pathlib.Path(place) / "report.json"
        subprocess.run(
            [BENCHMARKS, *options, "--native-only", "--quick", "--threads", str(threads),
             "--filter", case, "--json", report], stdout=subprocess.DEVNULL, check=True)
        return {row["name"]: row for row in json.loads(report.read_text())["results"]}
