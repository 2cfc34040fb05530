// Homebrew's SentencePiece, as far as qbench calls it: its C++ names depend on the standard
// library, so Debian's won't do. Nothing is behind them; what is checked is that the header's names
// are all that is asked for.
#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#define virtual  // a table of functions would ask for those that aren't called
#include <sentencepiece_processor.h>
#undef virtual

namespace sentencepiece {
class ModelInterface {};
class ModelProto {};
class SentencePieceText {};
class NBestSentencePieceText {};
namespace normalizer {
class Normalizer {};
}  // namespace normalizer

SentencePieceProcessor::SentencePieceProcessor() {}
SentencePieceProcessor::~SentencePieceProcessor() {}
absl::Status SentencePieceProcessor::LoadFromSerializedProto(absl::string_view) { return {}; }
absl::Status SentencePieceProcessor::Encode(absl::string_view, std::vector<int>*) const {
  return {};
}
int SentencePieceProcessor::GetPieceSize() const { return 0; }
const std::string& SentencePieceProcessor::IdToPiece(int) const {
  static const std::string piece;
  return piece;
}
bool SentencePieceProcessor::IsControl(int) const { return false; }
bool SentencePieceProcessor::IsUnknown(int) const { return false; }
int SentencePieceProcessor::bos_id() const { return 0; }
int SentencePieceProcessor::eos_id() const { return 0; }
}  // namespace sentencepiece
