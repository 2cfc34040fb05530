"""Looks at the records of a run: all measured, with the figures that matter, none of them impossible. On a noisy machine
a case may be "unstable" (its series did not settle): it has its figures all the same.

usage: check_records.py RECORDS.json COUNT
"""
import json
import sys

EXPECTED = {  # task: metric: (least, most)
    "causal_lm": {"decode_tokens_per_s": (0.1, 1e5), "prefill_tokens_per_s": (0.1, 1e6), "perplexity": (5, 200),
                  "top1_agreement": (0.2, 1), "bundle_bytes": (1e7, 1e9), "rss_bytes_peak": (1e7, 1e10)},
    "image_classification": {"pictures_per_s": (0.1, 1e5), "inference_ns_p50": (1e4, 1e10), "top1_accuracy": (0.05, 1),
                             "top1_agreement": (0.1, 1), "bundle_bytes": (1e6, 1e9), "rss_bytes_peak": (1e7, 1e10)},
    "zero_shot": {"pictures_per_s": (0.1, 1e5), "inference_ns_p50": (1e4, 1e10), "class_text_ns_p50": (1e4, 1e10),
                  "top1_agreement": (0.02, 1), "bundle_bytes": (1e6, 1e9), "rss_bytes_peak": (1e7, 1e10)},
    "embedding": {"sentences_per_s": (0.1, 1e6), "inference_ns_p50": (1e4, 1e11), "embedding_cosine": (0.5, 1.0001),
                  "top1_agreement": (0.2, 1), "rank_correlation": (0.5, 1.0001), "rss_bytes_peak": (1e7, 1e10)},
}
records = json.load(open(sys.argv[1]))
problems = []
if len(records) != int(sys.argv[2]):
    problems.append(f"{len(records)} records instead of {sys.argv[2]}")
for record in records:
    if record["outcome"] not in ("ok", "unstable"):
        problems.append(f"{record['case']}: {record['outcome']}: {record['reason']}")
        continue
    for name, (least, most) in EXPECTED[record["task"]].items():
        value = record["measurements"][name]["value"]
        if value is None or not least <= value <= most:
            problems.append(f"{record['case']}: {name} is {value}")
    if record["scheme"] == "fp32" and record["measurements"]["top1_agreement"]["value"] < 0.999:
        problems.append(f"{record['case']}: the unquantized case disagrees with the reference")
unstable = sum(record["outcome"] == "unstable" for record in records)
print("\n".join(problems) or f"{len(records)} records, all measured, {unstable} of them unstable")
sys.exit(bool(problems))
