"""Runs with a known truth, written by the store's own code: classifiers whose launches vary as launches do."""
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HOST = {"cpu": "Made Up", "physical_cores": 2, "usable_cores": 2, "memory_bytes": 8_000_000_000, "os": "An OS", "kernel": "1"}
MODELS, SCHEMES = ("alpha", "beta"), ("fp32", "w8c", "w4g32", "static8c")


@dataclass
class MadeUpRun:
    """Cases of two models and four schemes; `slower`, `larger`, `disagreeing`, `outcomes`: what changed, by model/scheme."""
    name: str
    seed: int
    launches: int = 10
    noise: float = 0.01                  # one standard deviation of a launch
    slower: dict = field(default_factory=dict)       # 0.2: takes 20 % longer
    larger: dict = field(default_factory=dict)       # of memory
    disagreeing: dict = field(default_factory=dict)  # pictures of 1,000 that are answered otherwise
    outcomes: dict = field(default_factory=dict)     # (outcome, reason)
    manifest: dict = field(default_factory=dict)
    host: dict = field(default_factory=dict)
    framework: str = "onnxruntime"
    day: int = 1

    def record(self, rng, model: str, scheme: str) -> dict:
        key = f"{model}/{scheme}"
        typical = 1e7 * (1 + MODELS.index(model)) * (1 + self.slower.get(key, 0))
        memory = 1e8 * (1 + SCHEMES.index(scheme)) * (1 + self.larger.get(key, 0))
        launches = []
        for index in range(self.launches):
            duration, peak = typical * np.exp(self.noise * rng.normal()), memory * np.exp(0.002 * rng.normal())
            launches.append({"index": index, "samples_ns": {"inference": [round(duration)] * 3},
                             "facts": {"rss_bytes_peak_run": round(peak), "bundle_bytes": 1000 * (1 + SCHEMES.index(scheme))}})
        outcome, reason = self.outcomes.get(key, ("ok", ""))
        manifest = {"framework_version": "1.0", "worker_hash": "0123456789", "weights": "pretrained", "source_hash": "aa", "bundle_hash": "bb" + key,
                    "dataset": {"name": "made up", "hash": "cc", "item_count": 1000}, **self.manifest}
        agreement = 1 - (10 + self.disagreeing.get(key, 0)) / 1000
        return {"model": model, "scheme": scheme, "framework": self.framework, "outcome": outcome, "reason": reason, "manifest": manifest,
                "launches": launches if outcome == "ok" else [],
                **({"quality": {"picture_count": 1000, "top1_agreement": agreement, "top1_accuracy": agreement}} if outcome == "ok" else {})}

    def content(self) -> dict:
        rng = np.random.default_rng(self.seed)
        return {"id": self.name, "started_at": f"2026-11-{self.day:02}T00:00:00Z", "host": {**HOST, **self.host},
                "records": [self.record(rng, model, scheme) for model in MODELS for scheme in SCHEMES]}


def write_run(bin_folder: Path, store: Path, run: dict) -> None:
    subprocess.run([bin_folder / "probe", "store", store], input=json.dumps(run), text=True, check=True)


def write_versions(bin_folder: Path, store: Path, name: str, old: MadeUpRun, new: MadeUpRun) -> None:
    """Both in one run, as one that measures two versions of a framework."""
    content = old.content()
    content["id"] = name
    content["records"] += new.content()["records"]
    write_run(bin_folder, store, content)
