#!/usr/bin/env python3
"""4-bit decoding of SmolLM2-135M on PyTorch: qbench's engine against Hugging Face transformers with torchao's int4
weight-only quantization, eager, bf16, as a ratio.

Both start from the same fp32 tensors, quantize to 4 bits in groups of 32 and use the same libtorch, kernels and
threads; launches alternate, each a fresh process. A step is the model's call alone on both sides: the next token is
chosen between two steps, outside the clock. Wants the Python environment of ./qb test, and torchao beside it:

    build/venv/bin/pip install --no-deps --target build/bench/torchao torchao==0.18.0
    build/venv/bin/python bench/pytorch_decode_against_torchao.py [--threads 2] [--launches 5]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root / "tests/parity"))
import bundles

bin_folder, data, work = root / "build/release/bin", root / "build/data", root / "build/bench/torchao_work"
PROMPT, GENERATED = 128, 64


def bundle_of(scheme: str) -> Path:
    return Path(bundles.prepare(bin_folder / "probe", "smollm2-135m", scheme, data, work)["bundle"])


def load_model(bundle: Path):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    state = {name: torch.from_numpy(values) for name, values in bundles.decode(bundle).items()}
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                         num_attention_heads=9, num_key_value_heads=3, head_dim=64, rms_norm_eps=1e-5,
                         max_position_embeddings=8192, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 100000.0})
    model = LlamaForCausalLM(config).eval()
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return model.to(torch.bfloat16)


def run_torchao(bundle: str, threads: int) -> None:
    """In a process of its own: prints seconds a decode step, the model's call alone, as qbench counts them."""
    sys.path.insert(0, str(root / "build/bench/torchao"))
    import torch
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig  # where 0.18 has the CPU's layout
    from torchao.quantization import quantize_
    torch.set_num_threads(threads)
    model = load_model(Path(bundle))
    quantize_(model, PrototypeInt4WeightOnlyConfig(group_size=32))
    kernel = type(model.model.layers[0].mlp.up_proj.weight).__name__
    durations = []
    with torch.inference_mode():
        for repeat in range(4):
            tokens = torch.randint(0, 49152, (1, PROMPT), generator=torch.Generator().manual_seed(1))
            out = model(tokens, use_cache=True, logits_to_keep=1)
            for _ in range(GENERATED - 1):
                token = out.logits[:, -1].argmax(-1, keepdim=True)
                start = time.perf_counter()
                out = model(token, past_key_values=out.past_key_values, use_cache=True)
                if repeat > 0:  # the first warms up
                    durations.append(time.perf_counter() - start)
    print(kernel, statistics.mean(durations))


def run_qbench(bundle: Path, threads: int) -> float:
    """Seconds a decode step."""
    request = {"bundle": str(bundle), "task": "causal_lm", "seed": 1,
               "workload": {"thread_count": threads, "prompt_tokens": PROMPT, "generated_tokens": GENERATED},
               "limits": {"warmup_count_min": 1, "iteration_count_min": 3}}
    file = work / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run([bin_folder / "qbench-worker-pytorch", "--run", file], capture_output=True, text=True)
    for event in map(json.loads, done.stdout.splitlines()):
        if event["event"] == "samples" and event["phase"] == "decode":
            return statistics.mean(event["duration_ns"]) / 1e9
    sys.exit(done.stdout[-500:] + done.stderr[-500:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--launches", type=int, default=5)
    parser.add_argument("--run-torchao", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_torchao:
        run_torchao(options.run_torchao, options.threads)
        return
    work.mkdir(parents=True, exist_ok=True)
    fp32, w4g32 = bundle_of("fp32"), bundle_of("w4g32")
    ratios = []
    for i in range(options.launches):
        peer = subprocess.run([sys.executable, __file__, "--run-torchao", fp32, "--threads", str(options.threads)],
                              capture_output=True, text=True)
        if peer.returncode:
            sys.exit(peer.stderr[-2000:])
        kernel, theirs = peer.stdout.split()[-2:]
        theirs, ours = float(theirs), run_qbench(w4g32, options.threads)
        ratios.append(theirs / ours)
        print(f"launch {i + 1}: qbench {ours * 1e3:.2f} ms a step, transformers + torchao ({kernel}) {theirs * 1e3:.2f} ms, "
              f"ratio of speeds {ratios[-1]:.2f}", flush=True)
    print(f"against transformers + torchao int4 weight-only, eager, bf16: {statistics.geometric_mean(ratios):.2f} times the "
          f"speed, geometric mean of {len(ratios)} pairs of launches ({min(ratios):.2f} to {max(ratios):.2f}), "
          f"{options.threads} threads")


main()
