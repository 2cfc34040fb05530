-- The results store. Absent is NULL, never 0.
CREATE TABLE run (
  id TEXT PRIMARY KEY,
  started_at TEXT NOT NULL,
  suite_name TEXT NOT NULL,
  suite_text TEXT NOT NULL,
  seed INTEGER NOT NULL,
  host TEXT NOT NULL,             -- JSON
  options TEXT NOT NULL DEFAULT '{}'  -- JSON: what the command line changed of the suite
) STRICT;

CREATE TABLE record (             -- one case of a run
  run_id TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  case_id TEXT NOT NULL,
  position INTEGER NOT NULL,      -- order within the run
  model TEXT NOT NULL,
  scheme TEXT NOT NULL,
  framework TEXT NOT NULL,
  device TEXT NOT NULL,
  task TEXT NOT NULL,
  workload TEXT NOT NULL,         -- JSON: named numbers
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  manifest TEXT NOT NULL,         -- JSON
  PRIMARY KEY (run_id, case_id)
) STRICT;

CREATE TABLE launch (             -- one worker process
  run_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  launch_index INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  facts TEXT NOT NULL,            -- JSON
  stderr_tail TEXT NOT NULL,
  PRIMARY KEY (run_id, case_id, kind, launch_index),
  FOREIGN KEY (run_id, case_id) REFERENCES record ON DELETE CASCADE
) STRICT;

CREATE TABLE samples (            -- raw timings of a launch's phase
  run_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  launch_index INTEGER NOT NULL,
  phase TEXT NOT NULL,
  sample_count INTEGER NOT NULL,
  duration_ns BLOB NOT NULL,      -- int64 little endian, zlib
  PRIMARY KEY (run_id, case_id, kind, launch_index, phase),
  FOREIGN KEY (run_id, case_id, kind, launch_index) REFERENCES launch ON DELETE CASCADE
) STRICT;

CREATE TABLE measurement (
  run_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  value REAL,
  low REAL,                       -- of a 95 % interval
  high REAL,
  reason TEXT NOT NULL,           -- why value is NULL
  PRIMARY KEY (run_id, case_id, name),
  FOREIGN KEY (run_id, case_id) REFERENCES record ON DELETE CASCADE
) STRICT;
