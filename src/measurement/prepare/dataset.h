// Data that quality is measured on, turned into network input once, so that every framework gets
// the same numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "compression/compress/calibrate.h"
#include "measurement/prepare/model_source.h"

namespace qb::prepare {

struct Dataset {
  std::filesystem::path file;  // a tensor file, see compression/bundle/tensor_file.h
  std::string name;
  std::string content_hash;
  int64_t item_count = 0;  // tokens scored, or pictures
};

// What the user gave to judge models on; empty: the built-in data.
struct UserData {
  std::filesystem::path text_file;
  std::filesystem::path images;  // a folder or a CSV, see network/pictures/user_pictures.h
};

// For language models "tokens" i64 [window_count, window_tokens] from the start of the text, for
// classifiers "images" f32 [n, 3, size, size] and "labels" i64 [n, k] padded with -1, for encoders
// of sentences "tokens" and "mask" i64 [n, tokens of the longest]. Kept below `cache_folder`.
// Networks of pictures and texts get those of classifiers, with the classes' texts as "tokens" i64
// [classes, tokens of the longest] and "position" i64 [classes], where their end token stands.
// A text of the user's takes the place of the text of language models: its first two windows, or
// one of what there is. The user's pictures take the place of the pictures. Errors: the text or the
// pictures are not on this machine; the user's text is no UTF-8, or too short; a picture that can't
// be read, or is of a class that the network doesn't know.
Result<Dataset> prepare_dataset(const ModelSource& source, const std::filesystem::path& data_folder,
                                const std::filesystem::path& cache_folder,
                                const UserData& user = {});

// What schemes are calibrated on: text or sentences from the same book as the quality data, further
// on, or 20
// photographs that the quality data does not hold (where that is foolbox-20 itself, the set says
// so in its name). A language model without a tokenizer gets seeded tokens.
Result<compress::CalibrationSet> prepare_calibration(const ModelSource& source,
                                                     const std::filesystem::path& data_folder,
                                                     const std::filesystem::path& cache_folder);

}  // namespace qb::prepare
