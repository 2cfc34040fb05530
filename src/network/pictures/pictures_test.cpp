#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "base/file.h"
#include "network/pictures/labelled.h"
#include "network/pictures/prepare.h"

using namespace qb;
using namespace qb::pictures;
namespace fs = std::filesystem;

namespace {

const fs::path data_folder = QB_SOURCE_DIR "/build/data";

Picture flat(int64_t width_px, int64_t height_px, uint8_t level) {
  return {width_px, height_px, 3,
          std::vector<uint8_t>(static_cast<size_t>(width_px * height_px * 3), level)};
}

struct TemporaryFile {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_picture_{}", ::getpid());
  void write(std::string_view content) const { std::ofstream(path, std::ios::binary) << content; }
  ~TemporaryFile() { fs::remove(path); }
};

}  // namespace

TEST_CASE("resizing keeps constants, and identity sizes keep bytes") {
  const Picture constant = resize(flat(37, 19, 93), 224, 7, models::Filter::bicubic);
  CHECK(std::ranges::all_of(constant.pixels, [](uint8_t level) { return level == 93; }));
  Picture ramp = flat(5, 4, 0);
  std::iota(ramp.pixels.begin(), ramp.pixels.end(), uint8_t{0});
  CHECK(resize(ramp, 5, 4, models::Filter::bicubic).pixels == ramp.pixels);
}

TEST_CASE("halving a step edge weighs the kernel's taps") {
  Picture row = flat(4, 1, 0);
  for (size_t i = 6; i < 12; ++i) row.pixels[i] = 255;  // two black, two white
  const Picture half = resize(row, 2, 1, models::Filter::bicubic);
  // Output 0: taps at distances 0.75, 0.25, 0.25, 0.75 of a = -0.5, over 3 of them inside twice:
  // k(.25) = .8672, k(.75) = .2266, k(1.25) = -.0703 at widening 2; white is input 2 and 3.
  const double k25 = 0.8671875;
  const double k75 = 0.2265625;
  const double k125 = -0.0703125;
  const double expected = 255 * (k75 + k125) / (k25 + k25 + k75 + k125);
  CHECK(half.pixels[0] == doctest::Approx(expected).epsilon(0.02));
  CHECK(half.pixels[3] == 255 - half.pixels[0]);
}

TEST_CASE("a cut-out lies in the centre of a white square") {
  const Picture rgba = {2, 1, 4, {10, 20, 30, 255, 10, 20, 30, 0}};
  const Picture square = composite_on_white_square(rgba, 2.0);
  CHECK(square.width_px == 4);
  const auto pixel = [&](size_t x, size_t y) { return square.pixels[(y * 4 + x) * 3]; };
  CHECK(pixel(1, 1) == 10);
  CHECK(pixel(2, 1) == 255);  // transparent
  CHECK(pixel(0, 0) == 255);
}

TEST_CASE("normalised input is planar") {
  std::vector<float> out(6);
  to_planar_f32({2, 1, 3, {127, 255, 0, 127, 255, 0}}, {}, out);
  CHECK(out == std::vector<float>{0, 0, 1, 1, -127.0f / 128, -127.0f / 128});
}

TEST_CASE("every labelled picture is there and can be read") {
  const auto tux = find_tux_pictures(data_folder);
  if (!tux && !fs::exists("/usr/bin/dpkg-deb")) {
    MESSAGE("not run here: the photos come from Debian only");
    return;
  }
  REQUIRE(tux);
  CHECK(tux->size() == 156);
  for (const LabelledPicture& picture : *tux) {
    CAPTURE(picture.path.string());
    CHECK(fs::exists(picture.path));
    CHECK_FALSE(picture.labels.empty());
    for (const int64_t label : picture.labels) CHECK((label >= 0 && label < 1000));
  }
  CHECK(load_picture(tux->front().path)->channel_count == 4);
  const auto foolbox = find_foolbox_pictures(data_folder);
  REQUIRE(foolbox);
  CHECK(foolbox->size() == 20);
  CHECK(load_picture(foolbox->front().path)->channel_count == 3);
  CHECK(find_tux_pictures("/nowhere").error().code == Errc::unavailable);
}

TEST_CASE("files cut or scrambled are errors that name the file, never a crash") {
  const TemporaryFile file;
  for (const fs::path& source : {data_folder / "foolbox-3.3.4/foolbox/data/imagenet_00_243.jpg",
                                 fs::path(QB_SOURCE_DIR "/docs/images/quick.png")}) {
    const std::string whole = read_file(source).value();
    for (size_t i = 0; i < 60; ++i) {
      file.write(std::string_view(whole).substr(0, i < 30 ? i * 7 : whole.size() * i / 61));
      const auto cut = load_picture(file.path);
      REQUIRE_FALSE(cut);
      CHECK(cut.error().message.find(file.path.string()) != std::string::npos);
      std::string scrambled = whole;
      scrambled[i * 11] = static_cast<char>(scrambled[i * 11] ^ 0x5a);
      file.write(scrambled);
      [[maybe_unused]] const auto either = load_picture(file.path);  // read or refused
    }
  }
  std::string huge = read_file(QB_SOURCE_DIR "/docs/images/quick.png").value();
  huge.replace(16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff"));
  file.write(huge);
  CHECK_FALSE(load_picture(file.path));
}

TEST_CASE("a picture that isn't square is fitted as its network wants it") {
  // Columns of their own brightness; rows are alike.
  Picture wide = {9, 4, 3, {}};
  for (int64_t i = 0; i < int64_t{9} * 4 * 3; ++i)
    wide.pixels.push_back(static_cast<uint8_t>(10 * (i / 3 % 9)));
  const auto columns_of = [&](const models::Preprocessing& p) {
    const Picture fitted = fit(wide, p).value();
    CHECK(fitted.width_px == p.size_px());
    CHECK(fitted.height_px == p.size_px());
    std::vector<int> columns;
    for (int64_t x = 0; x < fitted.width_px; ++x)
      columns.push_back(fitted.pixels[static_cast<size_t>(x * 3)]);
    return columns;
  };
  using Columns = std::vector<int>;
  using models::Filter;
  using models::Fit;
  CHECK(columns_of({.fit = Fit::centre_square, .resized_px = 4}) == Columns{20, 30, 40, 50});
  CHECK(columns_of({.fit = Fit::squash, .filter = Filter::nearest, .resized_px = 3}) ==
        Columns{10, 40, 70});
  models::Preprocessing cut = {.fit = Fit::shorter_edge, .resized_px = 4, .crop_px = 4};
  CHECK(columns_of(cut) == Columns{20, 30, 40, 50});
  cut.crop_px = 2;  // 3.5 columns to each side
  CHECK(columns_of(cut) == Columns{30, 40});
  cut.rounds_centre = true;
  CHECK(columns_of(cut) == Columns{40, 50});
}

TEST_CASE("a picture that would become too large is refused") {
  const models::Preprocessing p = {
      .fit = models::Fit::shorter_edge, .resized_px = 1000, .crop_px = 1000};
  CHECK_FALSE(fit(flat(200, 1, 7), p));
}
