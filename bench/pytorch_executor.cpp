// What the PyTorch engine's own program costs in a decode step: the step whole, the step with every
// kernel stubbed (each call puts back the tensors it made before), and the time of each operator.
// Exits 1 when the stubbed step takes more than a tenth of the whole one.
//
//   bench_pytorch_executor BUNDLE_FOLDER [THREADS]      a bundle: qbench quantize MODEL --scheme S
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "base/clock.h"
#include "compression/bundle/bundle.h"
#include "measurement/engines/pytorch/lowering.h"

namespace {

using namespace qb;
using namespace qb::pytorch;

constexpr int64_t context_tokens = 192;
constexpr int64_t past_tokens = 128;
constexpr int step_count = 100;

int64_t median(std::vector<int64_t> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
  return values[values.size() / 2];
}

struct Decoder {
  Program program;
  std::vector<Slot> inputs;
  Frame frame;

  int64_t step_ns() {
    frame.slots[inputs[0]] = at::full({1, 1}, 7, at::kLong);
    frame.slots[inputs[1]] = at::zeros({1}, at::kLong);
    const int64_t start = now_ns();
    program.run(frame);
    return now_ns() - start;
  }
  int64_t median_ns() {
    std::vector<int64_t> samples;
    for (int i = 0; i < step_count; ++i) samples.push_back(step_ns());
    return median(samples);
  }
};

// After a step that notes what each call sets, calls that only set it again.
int64_t stubbed_ns(const Program& program, const Decoder& decoder) {
  Decoder recorder = {program, decoder.inputs, decoder.frame};
  std::vector<std::vector<std::pair<Slot, at::Tensor>>> made;
  recorder.program.wrap_calls([&](std::string_view, Call call) -> Call {
    return [&made, call = std::move(call)](Frame& frame) {
      const std::vector<at::Tensor> before = frame.slots;
      call(frame);
      auto& sets = made.emplace_back();
      for (Slot slot = 0; slot < frame.slots.size(); ++slot)
        if (!frame.slots[slot].is_same(before[slot])) sets.emplace_back(slot, frame.slots[slot]);
    };
  });
  recorder.step_ns();
  Decoder stub = {program, decoder.inputs, decoder.frame};
  size_t next = 0;
  stub.program.wrap_calls([&](std::string_view, const Call&) -> Call {
    return [sets = made[next++]](Frame& frame) {
      for (const auto& [slot, tensor] : sets) frame.slots[slot] = tensor;
    };
  });
  return stub.median_ns();
}

void print_operators(const Program& program, const Decoder& decoder) {
  Decoder timed = {program, decoder.inputs, decoder.frame};
  std::map<std::string_view, std::pair<int64_t, int64_t>> totals;  // time, calls
  timed.program.wrap_calls([&](std::string_view name, Call call) -> Call {
    return [&totals, name, call = std::move(call)](Frame& frame) {
      const int64_t start = now_ns();
      call(frame);
      totals[name].first += now_ns() - start;
      ++totals[name].second;
    };
  });
  for (int i = 0; i < step_count; ++i) timed.step_ns();
  for (const auto& [name, total] : totals)
    std::printf("  %-18s %8.1f us a step in %lld calls\n", std::string(name).c_str(),
                static_cast<double>(total.first) / 1e3 / step_count,
                static_cast<long long>(total.second / step_count));
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 2) {
    std::fprintf(stderr, "usage: bench_pytorch_executor BUNDLE_FOLDER [THREADS]\n");
    return 2;
  }
  const int64_t threads = argument_count > 2 ? std::atoll(arguments[2]) : 2;
  const c10::InferenceMode inference;
  at::set_num_threads(static_cast<int>(threads));
  const auto bundle = bundle::load_bundle(arguments[1]);
  if (!bundle) {
    std::fprintf(stderr, "%s\n", bundle.error().message.c_str());
    return 2;
  }
  Lowering lowering(*bundle, {.thread_count = threads, .context_tokens = context_tokens}, at::kCPU);
  const auto program = lowering.build();
  if (!program) {
    std::fprintf(stderr, "%s\n", program.error().message.c_str());
    return 2;
  }
  Decoder decoder = {*program,
                     lowering.input_slots(),
                     {std::vector<at::Tensor>(program->slot_count()), past_tokens}};
  decoder.median_ns();  // warm-up
  const int64_t whole = decoder.median_ns();
  const int64_t stubbed = stubbed_ns(*program, decoder);
  const double share = static_cast<double>(stubbed) / static_cast<double>(whole);
  std::printf("%zu steps; whole %.3f ms, kernels stubbed %.3f ms: %.2f %% are the program's own\n",
              program->step_count(), static_cast<double>(whole) / 1e6,
              static_cast<double>(stubbed) / 1e6, share * 100.0);
  print_operators(*program, decoder);
  return share > 0.1 ? 1 : 0;
}
