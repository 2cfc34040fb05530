#include "network/text/sentence_piece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

#include "network/text/model.h"

namespace qb::text {
namespace {

// Of its status only ok() is the same in all versions: from 0.2.2 on it is abseil's.
using Processor = sentencepiece::SentencePieceProcessor;

// What is wrong with a model is told by a status, or thrown by what the library is made of: a piece
// that begins with a zero byte, say.
Result<std::shared_ptr<const Processor>> load(const std::string& proto) try {
  auto processor = std::make_shared<Processor>();
  if (!processor->LoadFromSerializedProto(proto).ok())
    return fail(Errc::bad_input, "is no model that SentencePiece reads");
  return processor;
} catch (const std::exception&) {
  return fail(Errc::bad_input, "is no model that SentencePiece can look pieces up in");
}

// A message in protobuf's encoding.
class Message {
 public:
  void add_number(uint32_t field, uint64_t value) {
    add_varint(field << 3);
    add_varint(value);
  }
  void add_float(uint32_t field, float value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    add_varint((field << 3) | 5);
    bytes_.append(bytes, sizeof bytes);
  }
  void add_bytes(uint32_t field, std::string_view bytes) {
    add_varint((field << 3) | 2);
    add_varint(bytes.size());
    bytes_ += bytes;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void add_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7fu) | 0x80u);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

constexpr int64_t byte_kind = 6;

// What Hugging Face's tokenizers has for these models.
Json decoder_json() {
  const Json replace = Json::object(
      {{"type", "Replace"}, {"pattern", Json::object({{"String", "\u2581"}})}, {"content", " "}});
  const Json strip = Json::object({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return Json::object(
      {{"type", "Sequence"},
       {"decoders", Json(Json::Array{replace, Json::object({{"type", "ByteFallback"}}),
                                     Json::object({{"type", "Fuse"}}), strip})}});
}

}  // namespace

Result<Model> make_sentence_piece(const Definition& definition) {
  QB_TRY(const auto processor, load(definition.sentence_piece));
  return [processor](std::string_view piece, std::vector<int32_t>& out) -> Result<void> {
    std::vector<int> ids;
    if (!processor->Encode(piece, &ids).ok())
      return fail(Errc::bad_input, "SentencePiece could not encode a text of {} bytes",
                  piece.size());
    out.insert(out.end(), ids.begin(), ids.end());
    return {};
  };
}

Result<SentencePieceDefinition> read_sentence_piece(std::string proto) {
  QB_TRY(const auto processor, load(proto));
  SentencePieceDefinition read = {.begin = processor->bos_id(), .end = processor->eos_id()};
  Definition& definition = read.definition;
  definition.model = Json::object({{"type", "SentencePiece"}});
  definition.decoder = decoder_json();
  for (int32_t id = 0; id < processor->GetPieceSize(); ++id) {
    definition.tokens.push_back(processor->IdToPiece(id));
    if (processor->IsControl(id) || processor->IsUnknown(id))
      definition.added_tokens.push_back({.id = id, .text = definition.tokens.back()});
  }
  definition.sentence_piece = std::move(proto);
  return read;
}

// The numbers of the fields are those of sentencepiece_model.proto.
std::string write_sentence_piece(const SentencePieceParts& parts) {
  Message model;
  for (size_t id = 0; id < parts.pieces.size(); ++id) {
    Message piece;
    piece.add_bytes(1, parts.pieces[id]);
    piece.add_float(2, id < parts.scores.size() ? static_cast<float>(parts.scores[id]) : 0.0f);
    if (id < parts.kinds.size()) piece.add_number(3, static_cast<uint64_t>(parts.kinds[id]));
    model.add_bytes(1, piece.bytes());
  }
  Message trainer;
  trainer.add_number(3, parts.is_unigram ? 1 : 2);
  trainer.add_number(35, std::ranges::count(parts.kinds, byte_kind) > 0 ? 1 : 0);
  model.add_bytes(2, trainer.bytes());
  Message normalizer;
  normalizer.add_bytes(1, "identity");
  normalizer.add_bytes(2, parts.character_map);
  normalizer.add_number(3, parts.adds_space ? 1 : 0);
  normalizer.add_number(4, parts.removes_spaces ? 1 : 0);
  normalizer.add_number(5, 1);  // spaces are written as U+2581
  model.add_bytes(3, normalizer.bytes());
  return model.bytes();
}

}  // namespace qb::text
