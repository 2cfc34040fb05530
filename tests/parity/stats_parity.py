"""Statistics against scipy and statsmodels, to 1e-9 on shared inputs, extremes included."""
import json

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.tsa.stattools import acf


def make_inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(size=300))
    return {
        "normal": rng.normal(10, 2, 40), "lognormal": rng.lognormal(size=25), "six": rng.normal(size=6),
        "ties": rng.integers(0, 4, 50).astype(float), "huge and tiny": rng.lognormal(0, 8, 30), "walk": walk,
        "negative": -rng.lognormal(size=21), "three": np.array([1.0, 2.0, 4.0]), "constant": np.full(20, 3.0),
        "one": np.array([5.0]), "million": rng.normal(size=1_000_000), "tiny": rng.normal(size=30) * 1e-80,
    }


INPUTS = make_inputs()


@pytest.fixture(scope="module", params=INPUTS)
def sample(request, probe):
    """The values of an input, and what we say of them."""
    values = INPUTS[request.param]
    done = probe("stats", input=json.dumps([float(v) for v in values]), text=True, check=True)
    return values, json.loads(done.stdout)


def near(got, wanted) -> None:
    assert np.allclose(got, wanted, rtol=1e-9, atol=1e-12), f"{got} is not {wanted}"


def test_mean_and_quantiles(sample):
    values, got = sample
    near(got["mean"], np.mean(values))
    near(got["quantiles"], np.quantile(values, [0, 0.1, 0.25, 0.5, 0.9, 0.99, 1]))


@pytest.mark.parametrize("sample", [name for name, values in INPUTS.items() if len(values) > 1], indirect=True)
def test_standard_deviation(sample):
    values, got = sample
    near(got["standard_deviation"], np.std(values, ddof=1))


def test_interval_of_the_median(sample):
    """By order statistics: the binomial's own words."""
    values, got = sample
    n, ordered = len(values), np.sort(values)
    k = int(stats.binom.ppf(0.025, n, 0.5))
    k = k if stats.binom.cdf(k - 1, n, 0.5) <= 0.025 else k - 1
    if k < 1 or stats.binom.cdf(k - 1, n, 0.5) > 0.025:
        assert got["median_interval"] is None, got["median_interval"]
        return
    while stats.binom.cdf(k, n, 0.5) <= 0.025:
        k += 1
    near(got["median_interval"], [ordered[k - 1], ordered[n - k]])


def effective_size(values):
    """Geyer's initial positive sequence on statsmodels' autocorrelations."""
    n, r = len(values), acf(values, nlags=len(values) - 1, fft=False)
    pairs = [r[lag] + r[lag + 1] for lag in range(1, n - 1, 2)]
    count = next((i for i, pair in enumerate(pairs) if pair <= 0), len(pairs))
    return min(max(n / (1 + 2 * sum(pairs[:count])), 1), n)


@pytest.mark.parametrize("sample", [name for name, v in INPUTS.items() if np.ptp(v) > 0 and 20 <= len(v) <= 1000], indirect=True)
def test_effective_size_and_autocorrelation(sample):
    values, got = sample
    near(got["effective_sample_size"], effective_size(values))
    near(got["autocorrelation"], acf(values, nlags=10, fft=False)[1:])


@pytest.mark.parametrize("what", ("mean", "geometric_mean"))
def test_interval_of_the_mean(sample, what):
    """Student's t: of the values, and of their logs where there are any."""
    values, got = sample
    interval = got[f"{what}_interval"]
    is_geometric = what == "geometric_mean"
    data = values if not is_geometric else np.log(values) if np.min(values) > 0 else None
    if data is None or len(values) < 3 or np.ptp(data) == 0:
        assert interval is None, interval
        return
    wanted = np.array(stats.t.interval(0.95, len(values) - 1, np.mean(data), stats.sem(data)))
    near(interval, np.exp(wanted) if is_geometric else wanted)


def test_wilson(sample):
    """Of a made-up share of as many trials."""
    values, got = sample
    share, n = got["wilson_share"], len(values)
    near(got["wilson_interval"], proportion_confint(share * n, n, method="wilson"))


def chunks_of(values, count: int) -> np.ndarray:
    n = len(values)
    return np.array([np.mean(values[i * n // count:(i + 1) * n // count]) for i in range(count)])


@pytest.mark.parametrize("sample", [name for name, values in INPUTS.items() if len(values) < 32], indirect=True)
def test_few_values_have_no_chunks(sample):
    _, got = sample
    assert got["chunks"] == [] and got["chunks_interval"] is None, got


@pytest.mark.parametrize("sample", [name for name, values in INPUTS.items() if len(values) >= 32], indirect=True)
def test_chunks(sample):
    values, got = sample
    n, share, chunks = len(values), got["wilson_share"], chunks_of(values, 16)
    near(got["chunks"], chunks)
    excess = max(1, n / 16 * np.var(chunks, ddof=1) / (share * (1 - share))) if 0 < share < 1 else 1
    near(got["effective_count"], n / (excess * (stats.t.ppf(0.975, 15) / stats.norm.ppf(0.975)) ** 2))
    parts = chunks if n >= 4096 else chunks_of(values, 8)
    if np.ptp(parts) > 0:
        reach = stats.t.ppf(0.975, len(parts) - 1) * stats.sem(parts)
        near(got["chunks_interval"], [np.mean(values) - reach, np.mean(values) + reach])
