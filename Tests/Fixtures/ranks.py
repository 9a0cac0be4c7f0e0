# SPDX-License-Identifier: MIT
#
# Writes ranks.json: the test of Mann and Whitney as SciPy computes it. Without ties by its exact
# method, with ties by counting all ways to split the pooled numbers, and by the normal
# approximation.
#
#     python3 Tests/Fixtures/ranks.py > Tests/Fixtures/ranks.json

import itertools
import json

import numpy
import scipy.stats


def permuted(x, y):
    """P(the statistic is at least as large) over all splits."""
    pooled = numpy.concatenate([x, y])
    ranks = scipy.stats.rankdata(pooled)
    observed = ranks[: len(x)].sum()
    sums = [sum(part) for part in itertools.combinations(ranks, len(x))]
    return float(numpy.mean([s >= observed for s in sums]))


def main():
    generator = numpy.random.default_rng(1)
    samples = []
    for n, m, shift in [(3, 3, 0), (3, 4, 2), (5, 4, -1), (8, 8, 1), (8, 8, 3), (12, 12, 0.5), (16, 8, 1)]:
        x, y = generator.normal(shift, 1, n), generator.normal(0, 1, m)
        p = scipy.stats.mannwhitneyu(x, y, alternative="greater", method="exact").pvalue
        samples.append({"x": x.tolist(), "y": y.tolist(), "method": "exact", "p": float(p)})
    for n, m, shift in [(4, 4, 0), (5, 6, 1), (8, 8, 1), (6, 9, 0)]:
        x, y = generator.integers(0, 5, n) + shift, generator.integers(0, 5, m)
        samples.append({"x": x.tolist(), "y": y.tolist(), "method": "exact", "p": permuted(x, y)})
    for n, m, shift, levels in [(40, 30, 0.3, 0), (50, 50, 0, 0), (35, 45, 1, 8), (100, 20, 0, 4)]:
        x, y = generator.normal(shift, 2, n), generator.normal(0, 2, m)
        if levels:
            x, y = numpy.round(x * levels / 8), numpy.round(y * levels / 8)
        p = scipy.stats.mannwhitneyu(x, y, alternative="greater", method="asymptotic").pvalue
        samples.append({"x": x.tolist(), "y": y.tolist(), "method": "approximate", "p": float(p)})
    print(json.dumps(samples, indent=1))


main()
