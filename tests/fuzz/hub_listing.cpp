// What a hub answers.
#include "fuzz.h"
#include "network/hub/listing.h"

using namespace qb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  (void)hub::parse_repository(text);
  (void)hub::parse_shard_index(text);
  (void)hub::next_page_query(text);
  std::vector<hub::RemoteFile> files;
  if (hub::parse_tree_page(text, files)) (void)hub::check_listing(files);
  return 0;
}
