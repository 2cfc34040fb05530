// The part of a file that came in, which an answer is added to.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"
#include "network/hub/transfer.h"

namespace qb::hub {

class Part {
 public:
  // Of a file of `size_bytes`; the part that is there stays, one that is too long is emptied.
  static Result<Part> open(const std::filesystem::path& path, int64_t size_bytes);

  int64_t position() const { return position_; }
  bool is_whole() const { return position_ == size_bytes_; }

  // What an answer brings. Status 200 is the file from its beginning: the part is emptied.
  bool begin(const Reply& head);
  bool write(std::string_view bytes);

  // Why the answer was not taken, and whether another may be.
  const std::string& trouble() const { return trouble_; }
  bool is_lasting() const { return is_lasting_; }
  // The system's refusal to write, as a full disk's.
  const Result<void>& written() const { return written_; }

  bool restart();  // from nothing

 private:
  Part(std::string name, Descriptor descriptor, int64_t size_bytes, int64_t position)
      : name_(std::move(name)),
        descriptor_(std::move(descriptor)),
        size_bytes_(size_bytes),
        position_(position) {}
  bool refuse(std::string trouble, bool is_lasting);

  std::string name_;
  Descriptor descriptor_;
  int64_t size_bytes_;
  int64_t position_;
  std::string trouble_;
  bool is_lasting_ = false;
  Result<void> written_;
};

}  // namespace qb::hub
