#include "network/text/sentence_piece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <cstring>

#include "network/text/model.h"

namespace qb::text {
namespace {

class SentencePiece : public Model {
 public:
  Result<void> read(const std::string& proto) {
    const auto status = processor_.LoadFromSerializedProto(proto);
    if (!status.ok()) return fail(Errc::bad_input, "SentencePiece: {}", status.ToString());
    return {};
  }

  Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const override {
    std::vector<int> ids;
    const auto status = processor_.Encode(piece, &ids);
    if (!status.ok()) return fail(Errc::bad_input, "SentencePiece: {}", status.ToString());
    out.insert(out.end(), ids.begin(), ids.end());
    return {};
  }

  std::optional<std::string> decode(std::span<const int32_t> ids) const override {
    std::vector<int> known;
    std::ranges::copy_if(ids, std::back_inserter(known),
                         [&](int32_t id) { return id >= 0 && id < processor_.GetPieceSize(); });
    std::string text;
    if (!processor_.Decode(known, &text).ok()) return std::string();
    return text;
  }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

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

}  // namespace

ModelResult make_sentence_piece(const Definition& definition) {
  auto model = std::make_unique<SentencePiece>();
  QB_CHECK(model->read(definition.sentence_piece));
  return model;
}

Result<SentenceEnds> sentence_ends(const std::string& proto) {
  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto(proto);
  if (!status.ok()) return fail(Errc::bad_input, "SentencePiece: {}", status.ToString());
  return SentenceEnds{processor.bos_id(), processor.eos_id()};
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
