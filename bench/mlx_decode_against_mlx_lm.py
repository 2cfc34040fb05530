#!/usr/bin/env python3
"""4-bit decoding of SmolLM2-135M: qbench's MLX worker against mlx-lm's model, as a ratio.

The peer is mlx-lm's own Llama model with its KV cache, eager. Both run the bundle's own bits (w4g64 is MLX's affine form,
group 64) with the same MLX, BLAS and number of tokens, and both count the same: each decode step from a staged token to
evaluated f32 logits; the choice of the token is in neither. mlx-lm's own loop (generate_step), which chooses tokens and
builds the next step meanwhile, is printed beside it, for information. Launches alternate, each a fresh process, so that
a slow spell hits both alike; the ratio is the geometric mean over the pairs. mlx-lm lives in an environment of its own,
build/bench/mlx/venv, which the script makes. With --threads 1 both use one thread for quantized products; otherwise
qbench's worker spreads them, which mlx-lm does not.

    build/venv/bin/python bench/mlx_decode_against_mlx_lm.py [--threads 2] [--launches 3] [--prompt 16] [--generated 16]
"""
import argparse
import glob
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

bin_folder, data, work = root / "build/release/bin", root / "build/data", root / "build/bench/mlx"
SCHEME, BITS, GROUP = "w4g64", 4, 64
VERSIONS = ["mlx==0.32.4" if sys.platform == "darwin" else "mlx[cpu]==0.32.4", "mlx-lm==0.32.2"]
openblas = glob.glob("/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0")


def environment(threads: int) -> dict:
    """qbench's own choice of BLAS, for both."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), **({"LD_PRELOAD": openblas[0]} if openblas else {})}


def peer_python() -> Path:
    python, stamp = work / "venv/bin/python", work / "venv/.installed"
    if not stamp.exists() or stamp.read_text() != str(VERSIONS):
        subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *VERSIONS], check=True)
        stamp.write_text(str(VERSIONS))
    return python


def build_bundle() -> Path:
    return Path(bundles.prepare(bin_folder / "probe", "smollm2-135m", SCHEME, data, work)["bundle"])


def write_peer_folder(bundle: Path, folder: Path) -> None:
    """The bundle's bits as mlx-lm stores a quantized model. In an interpreter that has mlx: run by --write."""
    import mlx.core as mx
    import numpy as np
    tensors = {}
    for name, parameter in bundles.read_parameters(bundle).items():
        if not isinstance(parameter, bundles.Packed):
            tensors[name] = mx.array(parameter)
            continue
        assert parameter.group_size == GROUP and parameter.shape[1] % GROUP == 0, name
        biases = -parameter.zero_points.astype(np.float32) * parameter.scales
        stem = name.removesuffix(".weight")
        tensors.update({name: mx.array(parameter.code_bytes.view(np.uint32)), f"{stem}.scales": mx.array(parameter.scales),
                        f"{stem}.biases": mx.array(biases)})
    folder.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / "model.safetensors"), tensors, {"format": "mlx"})
    (folder / "config.json").write_text(json.dumps({
        "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 100000.0,
        "max_position_embeddings": 8192, "tie_word_embeddings": True, "attention_bias": False,
        "quantization": {"group_size": GROUP, "bits": BITS}}))


def run_peer(folder: Path, prompt_tokens: int, generated_tokens: int) -> None:
    """In a process of its own: prints decode steps/s of the model, and tokens/s of mlx-lm's loop."""
    import mlx.core as mx
    import numpy as np
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.utils import load_model
    if sys.platform != "darwin":
        mx.set_default_device(mx.cpu)
    model, _ = load_model(folder)
    prompt = mx.array(np.random.default_rng(1).integers(0, 49152, prompt_tokens).astype(np.int32))

    def logits_after(tokens: mx.array, cache: list) -> mx.array:
        logits = model(tokens[None], cache=cache)[:, -1, :].astype(mx.float32)
        mx.eval(logits)
        mx.synchronize()
        return logits

    seconds = []
    for generation in range(3):
        cache = make_prompt_cache(model)
        logits = logits_after(prompt, cache)
        for _ in range(generated_tokens - 1):
            token = mx.argmax(logits, -1)
            mx.eval(token)
            start = time.perf_counter()
            logits = logits_after(token, cache)
            if generation > 0:  # the first is warm-up, as qbench's is
                seconds.append(time.perf_counter() - start)
    tokens = generate_step(prompt, model, max_tokens=generated_tokens)
    next(tokens)
    start = time.perf_counter()
    count = sum(1 for _ in tokens)
    print(1 / statistics.mean(seconds), count / (time.perf_counter() - start))


def run_qbench(bundle: Path, options) -> float:
    request = {"bundle": str(bundle), "device": "gpu" if sys.platform == "darwin" else "cpu", "task": "causal_lm", "seed": 1,
               "workload": {"thread_count": options.threads, "prompt_tokens": options.prompt,
                            "generated_tokens": options.generated},
               "limits": {"warmup_count_min": 1, "iteration_count_min": 2}}
    file = work / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run([bin_folder / "qbench-worker-mlx", "--run", file], capture_output=True, text=True,
                          env=environment(options.threads))
    for event in map(json.loads, done.stdout.splitlines()):
        if event["event"] == "samples" and event["phase"] == "decode":
            return 1e9 / statistics.mean(event["duration_ns"])
    sys.exit(done.stdout[-500:] + done.stderr[-500:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--launches", type=int, default=3)
    parser.add_argument("--prompt", type=int, default=16)
    parser.add_argument("--generated", type=int, default=16)
    parser.add_argument("--write", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--run-peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        return write_peer_folder(*options.write)
    if options.run_peer:
        return run_peer(options.run_peer, options.prompt, options.generated)
    work.mkdir(parents=True, exist_ok=True)
    python, bundle = peer_python(), build_bundle()
    folder = work / f"{SCHEME}-{bundle.name}"
    if not (folder / "config.json").exists():
        subprocess.run([python, __file__, "--write", bundle, folder], check=True)
    ours, theirs = [], []
    for i in range(options.launches):
        peer = subprocess.run([python, __file__, "--run-peer", folder, "--prompt", str(options.prompt), "--generated",
                               str(options.generated)], capture_output=True, text=True, env=environment(options.threads))
        if peer.returncode:
            sys.exit(peer.stderr)
        model_rate, loop_rate = map(float, peer.stdout.split()[-2:])
        theirs.append(model_rate)
        ours.append(run_qbench(bundle, options))
        print(f"launch {i + 1}: qbench {ours[-1]:.2f} steps/s, mlx-lm's model {model_rate:.2f}, ratio "
              f"{ours[-1] / model_rate:.3f} (mlx-lm's own loop, with the choice of tokens: {loop_rate:.2f})", flush=True)
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(f"geometric mean of {len(ratios)} ratios {statistics.geometric_mean(ratios):.3f} ({min(ratios):.3f} to "
          f"{max(ratios):.3f}), {options.threads} threads")


main()
