#include "results/store/store.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/rng.h"

using namespace qb;
using namespace qb::store;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_store_{}", ::getpid());
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

Record full_record(int64_t threads) {
  return {.run_id = "r1",
          .position = threads,
          .subject = {"m",
                      "w4g32",
                      "onnxruntime",
                      "cpu",
                      {{"batch", 1},
                       {"thread_count", static_cast<double>(threads)},
                       {"prompt_tokens", 128},
                       {"generated_tokens", 64},
                       {"depth_tokens", 0},
                       {"arrivals_per_s", 0}},
                      "causal_lm"},
          .outcome = Outcome::unstable,
          .reason = "why",
          .recorded_at = "2026-11-23T00:00:00Z",
          .launches = {{.index = 1,
                        .kind = "speed",
                        .outcome = Outcome::ok,
                        .samples = {{"load", {5}}, {"decode", {1, INT64_MAX, 3}}},
                        .facts = Json::object({{"kernels", Json::object({{"MatMul", 2}})}})},
                       {.index = 0,
                        .kind = "quality",
                        .outcome = Outcome::crashed,
                        .reason = "signal",
                        .stderr_tail = "tail"}},
          .measurements = {{.name = "b", .value = 1.5, .low = 1.0, .high = 2.0},
                           {.name = "a", .reason = "not available"}},
          .manifest = Json::object({{"weights", "pretrained"}})};
}

void check_equal(const Record& a, const Record& b) {
  CHECK(a.subject == b.subject);
  CHECK(a.outcome == b.outcome);
  CHECK(a.reason == b.reason);
  CHECK(a.recorded_at == b.recorded_at);
  CHECK(a.manifest == b.manifest);
  REQUIRE(a.launches.size() == b.launches.size());
  for (size_t i = 0; i < a.launches.size(); ++i) {
    const Launch& x = a.launches[i];
    const Launch& y = b.launches[i];
    CHECK(x.index == y.index);
    CHECK(x.kind == y.kind);
    CHECK(x.outcome == y.outcome);
    CHECK(x.reason == y.reason);
    CHECK(x.facts == y.facts);
    CHECK(x.stderr_tail == y.stderr_tail);
    REQUIRE(x.samples.size() == y.samples.size());
    for (size_t j = 0; j < x.samples.size(); ++j) {
      CHECK(x.samples[j].phase == y.samples[j].phase);
      CHECK(x.samples[j].duration_ns == y.samples[j].duration_ns);
    }
  }
  REQUIRE(a.measurements.size() == b.measurements.size());
  for (size_t i = 0; i < a.measurements.size(); ++i) {
    CHECK(a.measurements[i].name == b.measurements[i].name);
    CHECK(a.measurements[i].value == b.measurements[i].value);
    CHECK(a.measurements[i].low == b.measurements[i].low);
    CHECK(a.measurements[i].high == b.measurements[i].high);
    CHECK(a.measurements[i].reason == b.measurements[i].reason);
  }
}

// Workloads as columns.
constexpr const char* to_version_3 = R"(
  ALTER TABLE record ADD COLUMN batch INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE record ADD COLUMN thread_count INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE record ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE record ADD COLUMN generated_tokens INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE record ADD COLUMN depth_tokens INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE record ADD COLUMN arrivals_per_s REAL NOT NULL DEFAULT 0;
  UPDATE record SET batch = workload ->> 'batch', thread_count = workload ->> 'thread_count',
    prompt_tokens = coalesce(workload ->> 'prompt_tokens', 0),
    generated_tokens = coalesce(workload ->> 'generated_tokens', 0),
    depth_tokens = coalesce(workload ->> 'depth_tokens', 0),
    arrivals_per_s = coalesce(workload ->> 'arrivals_per_s', 0);
  ALTER TABLE record DROP COLUMN task;
  ALTER TABLE record DROP COLUMN workload;
  PRAGMA user_version = 3;
)";

// Makes a store, takes away what later versions added, and opens it.
void read_old_store(const fs::path& path, const char* downgrade, bool keeps_options) {
  {
    Store store = Store::open(path).value();
    REQUIRE(store.save_run(
        {.id = "r1", .options = Json::object({{"batches", Json::array_of(std::vector{2})}})}));
    REQUIRE(store.save_record(full_record(1)));
  }
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, downgrade, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  Store store = Store::open(path).value();
  const auto runs = store.load_runs().value();
  REQUIRE(runs.size() == 1);
  const Json& axes = runs[0].options["axes"];  // a store of version 1 had no options
  CHECK(axes["batch"].as_array().size() == (keeps_options ? 1 : 0));
  const auto records = store.load_records("r1").value();
  REQUIRE(records.size() == 1);
  CHECK(records[0].subject == full_record(1).subject);
  Record deep = full_record(2);
  deep.subject.workload.set("depth_tokens", 1024);
  deep.subject.workload.set("arrivals_per_s", 12.5);
  REQUIRE(store.save_record(deep));
  CHECK(store.load_records("r1").value()[1].subject == deep.subject);
}

}  // namespace

TEST_CASE("a record survives the store whole, absent values staying absent") {
  const TemporaryFolder folder;
  Store store = Store::open(folder.path / "new" / "r.db").value();
  REQUIRE(store.save_run({.id = "r1",
                          .started_at = "t",
                          .suite_name = "s",
                          .suite_text = "x",
                          .seed = UINT64_MAX,
                          .host = Json::object({{"cpu", "c"}})}));
  REQUIRE(store.save_record(full_record(1)));
  REQUIRE(store.save_record(full_record(2)));
  REQUIRE(store.save_record(full_record(1)));  // replaced, in its place
  const auto records = store.load_records("r1");
  REQUIRE(records);
  REQUIRE(records->size() == 2);
  check_equal(records->at(0), full_record(1));
  check_equal(records->at(1), full_record(2));
  const auto runs = store.load_runs();
  REQUIRE(runs);
  CHECK(runs->at(0).seed == UINT64_MAX);
  CHECK(runs->at(0).host["cpu"].as_string() == "c");
}

TEST_CASE("a file that is no store is refused in one line with its name") {
  const TemporaryFolder folder;
  const auto refused = [&](const fs::path& path, std::string_view reason) {
    const auto store = Store::open(path);
    REQUIRE_FALSE(store);
    CAPTURE(store.error().message);
    CHECK(store.error().message.find(path.filename().string()) != std::string::npos);
    CHECK(store.error().message.find(reason) != std::string::npos);
    CHECK(store.error().message.find('\n') == std::string::npos);
  };
  std::ofstream(folder.path / "text.db") << std::string(5000, 'x');
  refused(folder.path / "text.db", "not a database");
  fs::create_directories(folder.path / "folder.db");
  refused(folder.path / "folder.db", "unable to open");
  {
    Store::open(folder.path / "newer.db").value();
  }
  std::fstream newer(folder.path / "newer.db", std::ios::in | std::ios::out | std::ios::binary);
  newer.seekp(60);  // user_version, big endian
  newer.write("\0\0\0\x63", 4);
  newer.close();
  refused(folder.path / "newer.db", "newer qbench");
}

TEST_CASE("a store of an earlier version is read, and takes new records") {
  const std::string to_version_2 =
      std::string(to_version_3) +
      "ALTER TABLE record DROP COLUMN arrivals_per_s; PRAGMA user_version = 2;";
  const std::string to_version_1 =
      to_version_2 +
      "ALTER TABLE run DROP COLUMN options; "
      "ALTER TABLE record DROP COLUMN depth_tokens; PRAGMA user_version = 1";
  const std::string downgrades[] = {to_version_3, to_version_2, to_version_1};
  for (const std::string& downgrade : downgrades) {
    CAPTURE(downgrade);
    const TemporaryFolder folder;
    const auto path = folder.path / "old.db";
    read_old_store(path, downgrade.c_str(), &downgrade != &downgrades[2]);
  }
}

namespace {

// Runs SQL behind the store's back.
void execute(const fs::path& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

// The first column of all rows.
std::vector<int64_t> integers_of(const fs::path& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK);
  std::vector<int64_t> values;
  while (sqlite3_step(statement) == SQLITE_ROW)
    values.push_back(sqlite3_column_int64(statement, 0));
  sqlite3_finalize(statement);
  sqlite3_close(database);
  return values;
}

}  // namespace

TEST_CASE("only to read, a store of an earlier version stays as it is") {
  const TemporaryFolder folder;
  const auto path = folder.path / "old.db";
  {
    Store store = Store::open(path).value();
    REQUIRE(store.save_run({.id = "r1"}));
    REQUIRE(store.save_record(full_record(1)));
  }
  {
    const Store store = Store::open_to_read(path).value();
    check_equal(store.load_records("r1").value().at(0), full_record(1));
  }
  execute(path, to_version_3);
  {
    const Store store = Store::open_to_read(path).value();
    CHECK(store.load_runs().value().size() == 1);
    check_equal(store.load_records("r1").value().at(0), full_record(1));
  }
  CHECK(integers_of(path, "PRAGMA user_version") == std::vector<int64_t>{3});
  CHECK(Store::open(path));
  CHECK(integers_of(path, "PRAGMA user_version") == std::vector<int64_t>{4});
  CHECK_FALSE(Store::open_to_read(folder.path / "absent.db"));
  CHECK_FALSE(fs::exists(folder.path / "absent.db"));
}

TEST_CASE("saving a launch more leaves those that are stored untouched") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  Store store = Store::open(path).value();
  REQUIRE(store.save_run({.id = "r1"}));
  Record grown = full_record(1);
  REQUIRE(store.save_record(grown));
  REQUIRE(store.save_record(full_record(2)));  // a row anew would come after this one's
  const auto launches = integers_of(path, "SELECT rowid FROM launch ORDER BY rowid");
  const auto samples = integers_of(path, "SELECT rowid FROM samples ORDER BY rowid");
  grown.launches.push_back({.index = 2, .samples = {{"decode", {8, 9}}}});
  grown.outcome = Outcome::ok;
  grown.measurements.pop_back();
  REQUIRE(store.save_record(grown));
  REQUIRE(store.save_record(grown));
  auto after = integers_of(path, "SELECT rowid FROM launch ORDER BY rowid");
  REQUIRE(after.size() == launches.size() + 1);
  after.pop_back();
  CHECK(after == launches);
  after = integers_of(path, "SELECT rowid FROM samples ORDER BY rowid");
  REQUIRE(after.size() == samples.size() + 1);
  after.pop_back();
  CHECK(after == samples);
  check_equal(store.load_records("r1").value().at(0), grown);
}

TEST_CASE("a run that has another's id is refused, and takes nothing of it away") {
  const TemporaryFolder folder;
  Store store = Store::open(folder.path / "r.db").value();
  const Run first = {.id = "r1", .started_at = "t1", .seed = 1};
  REQUIRE(store.save_run(first));
  REQUIRE(store.save_record(full_record(1)));
  CHECK(store.save_run(first));  // a run that is gone on with before it had a record
  const auto refused = store.save_run({.id = "r1", .started_at = "t2", .seed = 2});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("r1") != std::string::npos);
  CHECK(store.load_runs().value().at(0).started_at == "t1");
  CHECK(store.load_records("r1").value().size() == 1);
}

TEST_CASE("a damaged row is said with its place, not read as an empty one") {
  static constexpr std::pair<const char*, const char*> rows[] = {
      {"UPDATE record SET manifest = '{\"weights\":'", "manifest"},
      {"UPDATE record SET outcome = 'fine'", "fine"},
      {"UPDATE launch SET facts = 'x' WHERE kind = 'speed'", "speed launch 1: facts"},
      {"UPDATE launch SET outcome = '' WHERE kind = 'quality'", "quality launch 0"},
      {"UPDATE samples SET duration_ns = x'00' WHERE phase = 'decode'", "speed launch 1: decode"}};
  for (const auto& [sql, place] : rows) {
    CAPTURE(sql);
    const TemporaryFolder folder;
    const auto path = folder.path / "r.db";
    {
      Store store = Store::open(path).value();
      REQUIRE(store.save_run({.id = "r1"}));
      REQUIRE(store.save_record(full_record(1)));
    }
    execute(path, sql);
    const auto records = Store::open_to_read(path).value().load_records("r1");
    REQUIRE_FALSE(records);
    CAPTURE(records.error().message);
    CHECK(records.error().message.find(place) != std::string::npos);
    CHECK(records.error().message.find("run r1, m/w4g32") != std::string::npos);
  }
}

TEST_CASE("a damaged run is among the others, and says so") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  {
    Store store = Store::open(path).value();
    REQUIRE(store.save_run({.id = "r1", .started_at = "1"}));
    REQUIRE(store.save_run({.id = "r2", .started_at = "2"}));
  }
  execute(path, "UPDATE run SET host = '[' WHERE id = 'r1'");
  const auto runs = Store::open_to_read(path).value().load_runs().value();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].damage.empty());
  CHECK(runs[1].damage.find("host") != std::string::npos);
}

TEST_CASE("a full disk is an error, and what was saved before stays") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  Store store = Store::open(path).value();
  REQUIRE(store.save_run({.id = "r1"}));
  REQUIRE(store.save_record(full_record(1)));
  const pid_t child = ::fork();
  if (child == 0) {  // a limit on file size stands for the full disk
    ::signal(SIGXFSZ, SIG_IGN);
    const rlim_t limit = fs::file_size(path.string() + "-wal") + 1000;
    const rlimit limits = {limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &limits);
    Store limited = Store::open(path).value();
    Record large = full_record(2);
    Rng rng(1);
    for (int i = 0; i < 10000; ++i)
      large.launches[0].samples[1].duration_ns.push_back(static_cast<int64_t>(rng.next() >> 1));
    ::_exit(limited.save_record(large) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(store.load_records("r1")->size() == 1);
}

TEST_CASE("two at once: the second waits for the first, and nothing of either is lost") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  constexpr int64_t record_count = 20;
  std::vector<std::thread> writers;
  for (int64_t writer = 0; writer < 3; ++writer)
    writers.emplace_back([&, writer] {
      Store store = Store::open(path).value();
      REQUIRE(store.save_run({.id = fmt::format("r{}", writer)}));
      for (int64_t i = 1; i <= record_count; ++i) {
        Record record = full_record(i);
        record.run_id = fmt::format("r{}", writer);
        REQUIRE(store.save_record(record));
      }
    });
  for (std::thread& writer : writers) writer.join();
  const Store store = Store::open(path).value();
  for (int64_t writer = 0; writer < 3; ++writer)
    CHECK(store.load_records(fmt::format("r{}", writer))->size() == record_count);
}

TEST_CASE("a store that another program keeps locked is an error that says so") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  {
    REQUIRE(Store::open(path).value().save_run({.id = "r1"}));
  }
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const Result<Store> refused = Store::open(path, {.busy_ms = 50});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("another program") != std::string::npos);
  CHECK(refused.error().message.find(path.string()) != std::string::npos);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  CHECK(Store::open(path));
}

TEST_CASE("kill -9 at any moment loses no record that was reported as saved") {
  const TemporaryFolder folder;
  const auto path = folder.path / "r.db";
  {
    REQUIRE(Store::open(path)->save_run({.id = "r1"}));
  }
  Rng rng(7);
  int64_t next = 1;
  for (int round = 0; round < 50 || next <= 50; ++round) {
    REQUIRE(round < 1000);  // a busy machine saves less in a round
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Store store = Store::open(path).value();
      for (int64_t i = next;; ++i) {
        if (!store.save_record(full_record(i))) ::_exit(1);
        if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    ::usleep(static_cast<useconds_t>(5000 + rng.below(20000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    int64_t reported = next - 1;
    while (::read(pipe_ends[0], &reported, sizeof reported) == sizeof reported) {
    }
    ::close(pipe_ends[0]);
    const auto records = Store::open(path)->load_records("r1");
    REQUIRE(records);
    CHECK(static_cast<int64_t>(records->size()) >= reported);
    CHECK(static_cast<int64_t>(records->size()) <= reported + 1);
    next = static_cast<int64_t>(records->size()) + 1;
  }
  const auto records = Store::open(path)->load_records("r1");
  for (const Record& record : *records) CHECK(record.launches.size() == 2);
}
