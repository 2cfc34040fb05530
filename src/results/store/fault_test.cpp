// Every operation on the store's files fails once: nothing that was reported as saved is lost, and
// what failed is an error, not a damaged file.
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "results/store/store.h"

using namespace qb;
using namespace qb::store;
namespace fs = std::filesystem;

namespace {

// A file system of SQLite's that passes everything on, and lets operation number `failing` fail.
struct Faults {
  int64_t operation = 0;
  int64_t failing = -1;
  bool has_failed = false;

  bool strike() {
    const bool is_hit = operation++ == failing;
    has_failed = has_failed || is_hit;
    return is_hit;
  }
} faults;

struct FaultyFile {
  sqlite3_file base;
  sqlite3_file* real;  // behind this struct
};
sqlite3_vfs* real_vfs = nullptr;

sqlite3_file* real_of(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file)->real; }

int write_file(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
  if (faults.strike()) return SQLITE_IOERR_WRITE;
  return real_of(f)->pMethods->xWrite(real_of(f), data, size, at);
}
int sync_file(sqlite3_file* f, int flags) {
  if (faults.strike()) return SQLITE_IOERR_FSYNC;
  return real_of(f)->pMethods->xSync(real_of(f), flags);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  if (faults.strike()) return SQLITE_IOERR_TRUNCATE;
  return real_of(f)->pMethods->xTruncate(real_of(f), size);
}
int read_file_part(sqlite3_file* f, void* data, int size, sqlite3_int64 at) {
  if (faults.strike()) return SQLITE_IOERR_READ;
  return real_of(f)->pMethods->xRead(real_of(f), data, size, at);
}

const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); },
    .xRead = read_file_part,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize =
        [](sqlite3_file* f, sqlite3_int64* size) {
          return real_of(f)->pMethods->xFileSize(real_of(f), size);
        },
    .xLock = [](sqlite3_file* f,
                int level) { return real_of(f)->pMethods->xLock(real_of(f), level); },
    .xUnlock = [](sqlite3_file* f,
                  int level) { return real_of(f)->pMethods->xUnlock(real_of(f), level); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* result) {
          return real_of(f)->pMethods->xCheckReservedLock(real_of(f), result);
        },
    .xFileControl =
        [](sqlite3_file* f, int op, void* argument) {
          return real_of(f)->pMethods->xFileControl(real_of(f), op, argument);
        },
    .xSectorSize = [](sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** memory) {
          return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, memory);
        },
    .xShmLock =
        [](sqlite3_file* f, int offset, int count, int flags) {
          return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
        },
    .xShmBarrier = [](sqlite3_file* f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return real_of(f)->pMethods->xShmUnmap(real_of(f), remove); },
};

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* faulty = reinterpret_cast<FaultyFile*>(file);
  faulty->base.pMethods = nullptr;
  faulty->real = reinterpret_cast<sqlite3_file*>(faulty + 1);
  if (faults.strike()) return SQLITE_CANTOPEN;
  const int result = real_vfs->xOpen(real_vfs, name, faulty->real, flags, out_flags);
  if (result == SQLITE_OK) faulty->base.pMethods = &methods;
  return result;
}

// The default file system while in scope.
struct FaultySystem {
  sqlite3_vfs vfs = {};
  FaultySystem() {
    real_vfs = sqlite3_vfs_find(nullptr);
    vfs = *real_vfs;
    vfs.zName = "faulty";
    vfs.szOsFile = static_cast<int>(sizeof(FaultyFile)) + real_vfs->szOsFile;
    vfs.xOpen = open_file;
    sqlite3_vfs_register(&vfs, 1);
  }
  ~FaultySystem() { sqlite3_vfs_unregister(&vfs); }
};

Record record_of(int64_t launch_count) {
  Record record = {.run_id = "r1",
                   .subject = {"m",
                               "w4g32",
                               "onnxruntime",
                               "cpu",
                               {{"batch", 1},
                                {"thread_count", 2},
                                {"prompt_tokens", 8},
                                {"generated_tokens", 4}},
                               "causal_lm"},
                   .recorded_at = "now"};
  for (int64_t i = 0; i < launch_count; ++i)
    record.launches.push_back({.index = i, .samples = {{"decode", std::vector<int64_t>(500, i)}}});
  return record;
}

// Opens, saves a run and three states of a record, one launch more each. Gives how many were
// reported as saved; -1: not even the run.
int64_t save_all(const fs::path& path) {
  Result<Store> store = Store::open(path);
  if (!store || !store->save_run({.id = "r1"})) return -1;
  int64_t saved = 0;
  while (saved < 3 && store->save_record(record_of(saved + 1))) ++saved;
  return saved;
}

}  // namespace

TEST_CASE("the Nth operation fails, for every N: what was reported as saved is there") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("qb_fault_{}", ::getpid());
  int64_t failing = 0;
  for (bool is_through = false; !is_through; ++failing) {
    CAPTURE(failing);
    fs::remove_all(folder);
    fs::create_directories(folder);
    const fs::path path = folder / "r.db";
    int64_t saved = 0;
    {
      const FaultySystem system;
      faults = {.failing = failing};
      saved = save_all(path);
      is_through = !faults.has_failed;
      faults = {};
    }
    if (is_through) CHECK(saved == 3);
    Result<Store> store = Store::open(path);
    CAPTURE((store ? "" : store.error().message));
    REQUIRE(store);
    const auto records = store->load_records("r1");
    REQUIRE(records);
    const int64_t found =
        records->empty() ? 0 : static_cast<int64_t>((*records)[0].launches.size());
    CHECK(found >= std::max<int64_t>(saved, 0));
    REQUIRE(failing < 2000);
  }
  MESSAGE((failing - 1), " operations failed, one at a time");
  fs::remove_all(folder);
}
