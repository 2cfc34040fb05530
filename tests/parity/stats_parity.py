#!/usr/bin/env python3
"""Statistics against scipy and statsmodels, to 1e-9 on shared inputs, extremes included.

Usage: stats_parity.py PROBE
"""
import json
import subprocess
import sys

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.tsa.stattools import acf

PROBE = sys.argv[1]


def ours(values):
    done = subprocess.run([PROBE, "stats"], input=json.dumps([float(v) for v in values]), capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


def near(what, got, wanted):
    assert np.allclose(got, wanted, rtol=1e-9, atol=1e-12), f"{what}: {got} is not {wanted}"


def effective_size(values):
    """Geyer's initial positive sequence on statsmodels' autocorrelations."""
    n, r = len(values), acf(values, nlags=len(values) - 1, fft=False)
    pairs = [r[lag] + r[lag + 1] for lag in range(1, n - 1, 2)]
    count = next((i for i, pair in enumerate(pairs) if pair <= 0), len(pairs))
    return min(max(n / (1 + 2 * sum(pairs[:count])), 1), n)


rng = np.random.default_rng(3)
walk = np.cumsum(rng.normal(size=300))
inputs = {
    "normal": rng.normal(10, 2, 40), "lognormal": rng.lognormal(size=25), "six": rng.normal(size=6),
    "ties": rng.integers(0, 4, 50).astype(float), "huge and tiny": rng.lognormal(0, 8, 30), "walk": walk,
    "negative": -rng.lognormal(size=21), "three": np.array([1.0, 2.0, 4.0]), "constant": np.full(20, 3.0),
    "one": np.array([5.0]), "million": rng.normal(size=1_000_000), "tiny": rng.normal(size=30) * 1e-80,
}
for name, values in inputs.items():
    got = ours(values)
    near(f"{name} mean", got["mean"], np.mean(values))
    near(f"{name} quantiles", got["quantiles"], np.quantile(values, [0, 0.1, 0.25, 0.5, 0.9, 0.99, 1]))
    if len(values) > 1:
        near(f"{name} deviation", got["standard_deviation"], np.std(values, ddof=1))
    # The order-statistic interval: the binomial's own words.
    n, ordered = len(values), np.sort(values)
    k = int(stats.binom.ppf(0.025, n, 0.5))
    k = k if stats.binom.cdf(k - 1, n, 0.5) <= 0.025 else k - 1
    if k < 1 or stats.binom.cdf(k - 1, n, 0.5) > 0.025:
        assert got["median_interval"] is None, name
    else:
        while stats.binom.cdf(k, n, 0.5) <= 0.025:
            k += 1
        near(f"{name} median interval", got["median_interval"], [ordered[k - 1], ordered[n - k]])
    if np.ptp(values) > 0 and 20 <= n <= 1000:
        near(f"{name} effective size", got["effective_sample_size"], effective_size(values))
        near(f"{name} autocorrelation", got["autocorrelation"], acf(values, nlags=10, fft=False)[1:])
    # Student's t: of the values, and of their logs where there are any.
    for what, data, back in (("mean", values, lambda v: v),
                             ("geometric mean", np.log(values) if np.min(values) > 0 else None, np.exp)):
        interval = got[f"{what.replace(' ', '_')}_interval"]
        if data is None or n < 3 or np.ptp(data) == 0:
            assert interval is None, f"{name} {what}: {interval}"
        else:
            near(f"{name} {what} interval", interval, back(np.array(stats.t.interval(0.95, n - 1, np.mean(data), stats.sem(data)))))
    # Wilson of a made-up share of as many trials.
    share = got["wilson_share"]
    near(f"{name} Wilson", got["wilson_interval"], proportion_confint(share * n, n, method="wilson"))
    if n < 32:
        assert got["chunks"] == [] and got["chunks_interval"] is None, name
        continue
    chunks = np.array([np.mean(values[i * n // 16:(i + 1) * n // 16]) for i in range(16)])
    near(f"{name} chunks", got["chunks"], chunks)
    excess = max(1, n / 16 * np.var(chunks, ddof=1) / (share * (1 - share))) if 0 < share < 1 else 1
    near(f"{name} effective count", got["effective_count"], n / (excess * (stats.t.ppf(0.975, 15) / stats.norm.ppf(0.975)) ** 2))
    parts = chunks if n >= 4096 else np.array([np.mean(values[i * n // 8:(i + 1) * n // 8]) for i in range(8)])
    if np.ptp(parts) > 0:
        reach = stats.t.ppf(0.975, len(parts) - 1) * stats.sem(parts)
        near(f"{name} chunks' interval", got["chunks_interval"], [np.mean(values) - reach, np.mean(values) + reach])
print(f"{len(inputs)} inputs agree to 1e-9")
