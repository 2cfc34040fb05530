// The scheme tables and the parser of names.
#include "compression/quant/scheme.h"

#include <algorithm>

#include "base/number.h"

namespace qb::quant {
namespace {

constexpr CalibrationRow calibration_rows[] = {
    {Calibration::min_max, "minmax", "the smallest and largest value seen"},
    {Calibration::moving_average, "average",
     "smallest and largest of each batch, averaged with weight 0.1 on the newest"},
    {Calibration::percentile, "percentile", "99.99 % of the values, cut evenly at both ends"},
    {Calibration::mse, "mse", "the range of least squared error on the values seen"},
    {Calibration::entropy, "entropy",
     "the range whose quantized distribution diverges least (KL) from the one seen"},
};

constexpr OptionRow option_rows[] = {
    {option_mse, "mse", "scales searched for the least squared error of the weights"},
    {option_hqq, "hqq",
     "scales and zero points fitted by half-quadratic splitting, forgiving to outliers (HQQ)"},
    {option_gptq, "gptq",
     "each column rounded in turn and its error made up for by the next (GPTQ, act-order)", true},
    {option_awq, "awq", "input channels that matter scaled up before rounding (AWQ)", true},
    {option_smooth, "smooth",
     "the range of activations moved into the weights, half way (SmoothQuant)", true},
    {option_fold, "fold", "batch norms folded into the convolutions before them"},
    {option_cle, "cle", "channel ranges of consecutive layers made equal where that is exact"},
    {option_bias, "bias", "the mean error of each convolution's output put into its bias", true},
    {option_inner, "inner", "embedding and head stay fp32"},
    {option_lora, "lora",
     "the branches of --adapter stay beside the weights, which are those of the base alone"},
};

struct FloatRow {
  std::string_view name;
  WeightType type;
  int32_t bits;
  std::string_view summary;
};
constexpr FloatRow float_rows[] = {
    {"fp32", WeightType::f32, 32, "32-bit floating point: the weights as they are."},
    {"fp16", WeightType::f16, 16, "IEEE half precision storage."},
    {"bf16", WeightType::bf16, 16, "bfloat16 storage: the range of fp32 with 8 bits of precision."},
};

struct GranularityRow {
  std::string_view name;
  Granularity granularity;
  int32_t group_size;
  std::string_view extent;
};
constexpr GranularityRow granularity_rows[] = {
    {"t", Granularity::tensor, 0, "for the whole tensor"},
    {"c", Granularity::channel, 0, "for each output channel"},
    {"g32", Granularity::group, 32, "for each 32 weights of a row"},
    {"g64", Granularity::group, 64, "for each 64 weights of a row"},
    {"g128", Granularity::group, 128, "for each 128 weights of a row"},
};

struct ActivationsRow {
  std::string_view prefix, suffix;  // before and after the granularity of the weights
  Activations activations;
  std::string_view range;
};
constexpr ActivationsRow activations_rows[] = {
    {"dyn8", "", Activations::on_run, "range taken at each run"},
    {"dyn8", ":token", Activations::by_token, "symmetric, a scale for each token"},
    {"static8", "", Activations::measured, "range measured on a calibration set"},
};

struct BlockSummary {
  ggml::BlockFormat format;
  std::string_view summary;
};
constexpr BlockSummary block_rows[] = {
    {ggml::BlockFormat::q8_0, "GGUF's q8_0: 8-bit weights, an fp16 scale for each 32 of a row."},
    {ggml::BlockFormat::q4_0, "GGUF's q4_0: 4-bit weights, an fp16 scale for each 32 of a row."},
    {ggml::BlockFormat::q4_1,
     "GGUF's q4_1: 4-bit weights, an fp16 scale and minimum for each 32 of a row."},
    {ggml::BlockFormat::q4_k,
     "GGUF's q4_K: 4-bit weights, a 6-bit scale and minimum for each 32 within blocks of 256; "
     "rows that are no multiple of 256 in q4_1."},
    {ggml::BlockFormat::q6_k,
     "GGUF's q6_K: 6-bit weights, an 8-bit scale for each 16 within blocks of 256; rows that are "
     "no multiple of 256 in q8_0."},
};

struct MicroscalingSummary {
  Microscaling format;
  std::string_view summary;
};
constexpr MicroscalingSummary microscaling_rows[] = {
    {Microscaling::mxfp4,
     "MLX's mxfp4 (OCP Microscaling): 4-bit floats (E2M1), a power of two for each 32 of a row."},
    {Microscaling::mxfp8,
     "MLX's mxfp8 (OCP Microscaling): 8-bit floats (E4M3), a power of two for each 32 of a row."},
    {Microscaling::nvfp4,
     "MLX's nvfp4: 4-bit floats (E2M1), an 8-bit float scale (E4M3) for each 16 of a row."},
};

// Bits of a code, with a table for the whole weight and one for each 8 output channels.
constexpr int32_t table_bits[] = {8, 6, 4, 3, 2, 1};
constexpr int32_t table_group_rows[] = {0, 8};

// What stands in `schemes()` beside the bases.
constexpr std::string_view listed_combinations[] = {
    "static8t:average",    "static8t:percentile", "static8t:mse",      "static8t:entropy",
    "static8c:average",    "static8c:percentile", "static8c:mse",      "static8c:entropy",
    "static8t:mse+cle",    "static8t:mse+bias",   "static8c:mse+bias", "static8c:mse+smooth",
    "dyn8c+smooth",        "dyn8c:token+smooth",  "w8c+fold",          "w4g128+mse",
    "w4g128+hqq",          "w4g128+gptq",         "w4g128+mse+gptq",   "w4g128+awq",
    "w4g128+awq+mse+gptq", "w4g128+inner",        "w4g32+hqq",         "w4g32+mse+gptq",
    "w4g32+inner",         "auto:4.5bpw",         "auto:6bpw",
};

Scheme integer_scheme(int32_t bits, const GranularityRow& row, bool symmetric) {
  return {.name = fmt::format("w{}{}{}", bits, row.name, symmetric ? "s" : ""),
          .weight_type = WeightType::integer,
          .weight_bits = bits,
          .granularity = row.granularity,
          .group_size = row.group_size,
          .symmetric = symmetric,
          .summary = fmt::format("{}-bit weights, one scale{} {}{}.", bits,
                                 symmetric ? "" : " and zero point", row.extent,
                                 symmetric ? ", symmetric about zero" : "")};
}

Scheme table_scheme(int32_t bits, int32_t group_rows) {
  const bool is_whole = group_rows == 0;
  return {.name = fmt::format("lut{}{}", bits, is_whole ? "" : fmt::format("g{}", group_rows)),
          .weight_type = WeightType::table,
          .weight_bits = bits,
          .granularity = is_whole ? Granularity::tensor : Granularity::group,
          .group_size = group_rows,
          .summary = fmt::format(
              "Entries of a table of {}, found by k-means, for {}.", 1 << bits,
              is_whole ? "the whole tensor" : fmt::format("each {} output channels", group_rows))};
}

// Weights symmetric: integer kernels for convolution take one zero point for all channels.
Scheme activation_scheme(const ActivationsRow& row, const GranularityRow& weights) {
  Scheme scheme = integer_scheme(8, weights, true);
  scheme.name = fmt::format("{}{}{}", row.prefix, weights.name, row.suffix);
  scheme.activations = row.activations;
  scheme.summary = fmt::format("8-bit symmetric weights, one scale {}; 8-bit activations, {}.",
                               weights.extent, row.range);
  return scheme;
}

std::vector<Scheme> make_bases() {
  std::vector<Scheme> all;
  for (const FloatRow& row : float_rows)
    all.push_back({.name = std::string(row.name),
                   .weight_type = row.type,
                   .weight_bits = row.bits,
                   .summary = std::string(row.summary)});
  for (const int32_t bits : {8, 4})
    for (const GranularityRow& row : granularity_rows)
      for (const bool symmetric : {false, true})
        all.push_back(integer_scheme(bits, row, symmetric));
  for (const ActivationsRow& row : activations_rows)
    for (const GranularityRow& weights : std::span(granularity_rows).first(2))
      all.push_back(activation_scheme(row, weights));
  for (const BlockSummary& row : block_rows)
    all.push_back({.name = std::string(ggml::row_of(row.format).name),
                   .weight_type = WeightType::block,
                   .weight_bits = 0,
                   .block = row.format,
                   .summary = std::string(row.summary)});
  for (const MicroscalingSummary& row : microscaling_rows)
    all.push_back({.name = std::string(row_of(row.format).name),
                   .weight_type = WeightType::micro,
                   .weight_bits = row_of(row.format).bits,
                   .micro = row.format,
                   .summary = std::string(row.summary)});
  for (const int32_t group_rows : table_group_rows)
    for (const int32_t bits : table_bits) all.push_back(table_scheme(bits, group_rows));
  return all;
}

template <typename Row>
std::string names_of(std::span<const Row> rows) {
  std::string names;
  for (const Row& row : rows) names += fmt::format("{}{}", names.empty() ? "" : " ", row.name);
  return names;
}

// "auto:4.5bpw"
Result<Scheme> parse_mixed(std::string_view budget) {
  std::string_view unit = budget;
  const auto bits = take_number<double>(unit);
  if (!bits || unit != "bpw" || !(*bits >= 4.2 && *bits <= 9.0))
    return fail(Errc::bad_input,
                "auto:{} is no budget: write auto:4.5bpw, from 4.2 to 9 bits per weight", budget);
  return Scheme{
      .name = fmt::format("auto:{}", budget),
      .weight_type = WeightType::mixed,
      .weight_bits = 0,
      .target_bits = *bits,
      .summary = fmt::format(
          "4 or 8 bits for each layer by what it costs in quality, {} bits at most.", *bits)};
}

// What other tools quantized, with their bits.
Scheme as_is_scheme() {
  return {.name = "as-is",
          .weight_type = WeightType::given,
          .weight_bits = 0,
          .summary = "The bits of the checkpoint: what another tool quantized, as it is."};
}

Result<Scheme> parse_base(std::string_view text) {
  if (text == as_is_scheme().name) return as_is_scheme();
  const auto whole = std::ranges::find(base_schemes(), text, &Scheme::name);
  if (whole != base_schemes().end()) return *whole;
  const size_t colon = text.find(':');
  const std::string_view base = text.substr(0, colon);
  const std::string_view detail = colon == text.npos ? "" : text.substr(colon + 1);
  if (base == "auto" && colon != text.npos) return parse_mixed(detail);
  const auto found = std::ranges::find(base_schemes(), base, &Scheme::name);
  if (found == base_schemes().end())
    return fail(Errc::bad_input, "unknown scheme \"{}\"; known: {} auto:4.5bpw as-is", base,
                names_of(std::span<const Scheme>(base_schemes())));
  Scheme scheme = *found;
  const auto row = std::ranges::find(calibration_rows, detail, &CalibrationRow::name);
  if (scheme.activations == Activations::on_run)
    return fail(Errc::bad_input,
                "{} measures no activations: \":{}\" says nothing, \":token\" is known", base,
                detail);
  if (scheme.activations != Activations::measured)
    return fail(Errc::bad_input, "{} measures no activations, so \":{}\" says nothing", base,
                detail);
  if (row == std::end(calibration_rows))
    return fail(Errc::bad_input, "unknown calibration \"{}\"; known: {}", detail,
                names_of(std::span<const CalibrationRow>(calibration_rows)));
  scheme.calibration = row->calibration;
  scheme.summary.pop_back();
  scheme.summary += fmt::format(": {}.", row->summary);
  return scheme;
}

// What cannot be together, in the user's words; empty: nothing.
std::string contradiction(const Scheme& scheme) {
  const bool is_integer =
      scheme.weight_type == WeightType::integer || scheme.weight_type == WeightType::mixed;
  const uint32_t fitting = scheme.options & ~uint32_t{option_lora};
  if (scheme.has(option_lora) && scheme.activations != Activations::none)
    return "an adapter's branches would read rounded activations";
  if (scheme.weight_type == WeightType::given && fitting != 0)
    return "the bits of the checkpoint are not fitted";
  if (!is_integer && (fitting & ~uint32_t{option_inner}) != 0)
    return "only schemes of integer weights can be fitted";
  if (scheme.weight_type == WeightType::f32 && fitting != 0)
    return "fp32 leaves nothing to be added to";
  if (scheme.has(option_mse) && scheme.has(option_hqq)) return "mse and hqq both choose scales";
  if (scheme.has(option_smooth) && scheme.activations == Activations::none)
    return "smooth is for schemes that quantize activations";
  if (scheme.has(option_smooth) && scheme.has(option_awq))
    return "smooth and awq both scale channels";
  return "";
}

}  // namespace

std::span<const CalibrationRow> calibrations() { return calibration_rows; }
std::span<const OptionRow> options() { return option_rows; }

bool Scheme::needs_calibration() const {
  if (activations == Activations::measured || weight_type == WeightType::mixed) return true;
  return std::ranges::any_of(
      option_rows, [&](const OptionRow& row) { return row.needs_calibration && has(row.option); });
}

uint32_t Scheme::roles() const {
  if (weight_type == WeightType::f32) return 0;
  uint32_t inner = role_linear | role_convolution;
  if (weight_type == WeightType::f16 || weight_type == WeightType::bf16) inner |= role_adapter;
  return has(option_inner) ? inner : inner | role_embedding | role_head;
}

bool Scheme::folds() const {
  return activations != Activations::none || has(option_fold) || has(option_cle) ||
         has(option_bias);
}

std::string describe_roles(uint32_t roles) {
  constexpr std::pair<Role, std::string_view> names[] = {{role_linear, "linear"},
                                                         {role_convolution, "convolution"},
                                                         {role_embedding, "embedding"},
                                                         {role_head, "head"},
                                                         {role_adapter, "adapter"}};
  std::string text;
  for (const auto& [role, name] : names)
    if (roles & role) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text.empty() ? "nothing" : text;
}

const std::vector<Scheme>& base_schemes() {
  static const std::vector<Scheme> bases = make_bases();
  return bases;
}

const std::vector<Scheme>& schemes() {
  static const std::vector<Scheme> listed = [] {
    std::vector<Scheme> all = base_schemes();
    for (const std::string_view name : listed_combinations) all.push_back(*find_scheme(name));
    return all;
  }();
  return listed;
}

const Scheme& base_of(const Scheme& scheme) {
  const std::string_view name = scheme.name;
  const auto find_until = [&](const char* end) {
    return std::ranges::find(base_schemes(), name.substr(0, name.find_first_of(end)),
                             &Scheme::name);
  };
  auto found = find_until("+");  // a colon may be part of a base's name
  if (found == base_schemes().end()) found = find_until("+:");
  return found == base_schemes().end() ? scheme : *found;
}

Result<Scheme> find_scheme(std::string_view name) {
  const size_t plus = std::min(name.find('+'), name.size());
  QB_TRY(Scheme scheme, parse_base(name.substr(0, plus)));
  for (std::string_view rest = name.substr(plus); !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view word = rest.substr(0, rest.find('+'));
    rest.remove_prefix(word.size());
    const auto row = std::ranges::find(option_rows, word, &OptionRow::name);
    if (row == std::end(option_rows))
      return fail(Errc::bad_input, "unknown option \"+{}\" of scheme {}; known: {}", word, name,
                  names_of(std::span<const OptionRow>(option_rows)));
    if (scheme.has(row->option)) return fail(Errc::bad_input, "+{} stands twice in {}", word, name);
    scheme.options |= row->option;
    scheme.summary.pop_back();
    scheme.summary += fmt::format("; {}.", row->summary);
  }
  if (const std::string problem = contradiction(scheme); !problem.empty())
    return fail(Errc::bad_input, "scheme {}: {}", name, problem);
  scheme.name = name;
  return scheme;
}

}  // namespace qb::quant
