"""What the gate computes with, against scipy and statsmodels, to 1e-9."""
import itertools
import json

import numpy as np
import pytest
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests


def made_up(seed: int, before: int, after: int) -> dict:
    rng = np.random.default_rng(seed)
    degrees = rng.integers(2, 20, 40).astype(float)
    prior = 0.0004 * 6 / rng.chisquare(6, 40)
    return {"before": rng.normal(0, 0.02, before), "after": rng.normal(0.03, 0.03, after), "p_values": rng.uniform(0, 1, 30) ** 3,
            "variances": np.stack([prior * rng.chisquare(degrees) / degrees, degrees], axis=1)}


CASES = {"3 and 3": made_up(1, 3, 3), "5 and 5": made_up(2, 5, 5), "12 and 12": made_up(3, 12, 12), "4 and 9": made_up(4, 4, 9),
         "20 and 20": made_up(5, 20, 20), "outlier": made_up(6, 10, 10), "ties": made_up(7, 6, 6)}
CASES["outlier"]["after"][3] += 0.5
CASES["ties"]["before"] = np.array([1.0, 2, 2, 3, 3, 4])
CASES["ties"]["after"] = np.array([2.0, 2, 3, 5, 5, 1])


@pytest.fixture(scope="module", params=CASES)
def gate(request, probe):
    given = CASES[request.param]
    done = probe("gate", input=json.dumps({name: values.tolist() for name, values in given.items()}), text=True, check=True)
    return given, json.loads(done.stdout)


def near(got, wanted) -> None:
    assert np.allclose(got, wanted, rtol=1e-9, atol=1e-12), f"{got} is not {wanted}"


@pytest.mark.parametrize("name, trim", (("mean", 0.0), ("trimmed", 0.2)))
def test_welch_and_yuen(gate, name, trim):
    given, got = gate
    wanted = stats.ttest_ind(given["after"], given["before"], equal_var=False, trim=trim)
    value, error, degrees = got["unpaired"][name]
    near([value / error, degrees], [wanted.statistic, wanted.df])


def test_paired_changes(gate):
    given, got = gate
    if len(given["before"]) != len(given["after"]):
        assert "paired" not in got
        return
    differences = given["after"] - given["before"]
    n = len(differences)
    near(got["paired"]["mean"], [np.mean(differences), stats.sem(differences), n - 1])
    left = n - 2 * (n // 5)
    winsorised = np.asarray(stats.mstats.winsorize(differences, limits=(0.2, 0.2)))
    error = np.std(winsorised, ddof=1) * np.sqrt((n - 1) / (left - 1) / left)
    near(got["paired"]["trimmed"], [stats.trim_mean(differences, 0.2), error, left - 1])


def by_all_signs(differences) -> float:
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences > 0].sum()
    sums = [np.dot(signs, ranks) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return np.mean(np.array(sums) >= observed - 1e-9)


def test_signed_ranks(gate):
    given, got = gate
    if "signed_rank" not in got:
        return
    differences = given["after"] - given["before"]
    differences = differences[differences != 0]
    has_ties = len(set(np.abs(differences))) < len(differences)
    p = by_all_signs(differences) if has_ties else stats.wilcoxon(differences, alternative="greater", method="exact").pvalue
    near(got["signed_rank"], [p, 0.5 ** len(differences)])


def test_rank_sums(gate):
    given, got = gate
    before, after = given["before"], given["after"]
    both = np.concatenate([before, after])
    if len(set(both)) < len(both):
        ranks = stats.rankdata(both)
        sums = np.array([sum(c) for c in itertools.combinations(ranks, len(after))])
        p, smallest = np.mean(sums >= ranks[len(before):].sum() - 1e-9), np.mean(sums >= sums.max() - 1e-9)
    else:
        p = stats.mannwhitneyu(after, before, alternative="greater", method="exact").pvalue
        smallest = 1 / special.comb(len(both), len(after))
    near(got["rank_sum"], [p, smallest])


def test_false_discovery_rates(gate):
    given, got = gate
    near(got["adjusted"], multipletests(given["p_values"], method="fdr_bh")[1])


def test_the_prior_of_variances(gate):
    """Smyth's equations, solved by scipy."""
    given, got = gate
    values, degrees = given["variances"].T
    z = np.log(values) - special.digamma(degrees / 2) + np.log(degrees / 2)
    scatter = np.var(z, ddof=1) - np.mean(special.polygamma(1, degrees / 2))
    assert scatter > 0.002, "this input doesn't test the equation"
    half = optimize.brentq(lambda x: special.polygamma(1, x) - scatter, 1e-3, 1e6, xtol=1e-14, rtol=1e-14)
    near(got["prior"], [np.exp(np.mean(z) + special.digamma(half) - np.log(half)), 2 * half])
