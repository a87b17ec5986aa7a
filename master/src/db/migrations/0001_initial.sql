-- Times are milliseconds since the epoch. JSON columns hold what the column's comment says.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  author TEXT NOT NULL,
  committer TEXT,
  message TEXT NOT NULL,
  revision TEXT,
  branch TEXT,
  repository TEXT NOT NULL,
  codebase TEXT NOT NULL,
  project TEXT NOT NULL,
  category TEXT,
  files TEXT NOT NULL,        -- string[]
  link TEXT,
  commits TEXT NOT NULL,      -- Commit[]
  properties TEXT NOT NULL,   -- Properties
  source TEXT NOT NULL,
  delivery_id TEXT UNIQUE,
  at REAL NOT NULL,
  received_at REAL NOT NULL,
  -- 0 until every scheduler has looked at it: what a crash left is looked at again at start
  scheduled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX changes_unscheduled ON changes (id) WHERE scheduled = 0;
CREATE INDEX changes_of_branch ON changes (repository, branch, codebase, id);

CREATE TABLE buildsets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scheduler TEXT NOT NULL,
  reason TEXT NOT NULL,
  owner TEXT,
  source_stamps TEXT NOT NULL, -- SourceStamp[]
  change_ids TEXT NOT NULL,    -- number[]
  properties TEXT NOT NULL,    -- Properties: of scheduler, change, and trigger or force
  parent_build_id INTEGER,
  parent_step_number INTEGER,
  unimportant INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  finished_at REAL,
  result TEXT,
  idempotency_key TEXT UNIQUE
) STRICT;
CREATE INDEX buildsets_of_parent ON buildsets (parent_build_id, parent_step_number) WHERE parent_build_id IS NOT NULL;

CREATE TABLE requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  buildset_id INTEGER NOT NULL REFERENCES buildsets (id),
  builder TEXT NOT NULL,
  priority REAL NOT NULL,
  state TEXT NOT NULL,         -- pending, building, finished
  result TEXT,
  submitted_at REAL NOT NULL,
  finished_at REAL,
  collapsed_into INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before REAL,             -- back-off of a retry
  cancel_reason TEXT,
  blocker TEXT,                -- Blocker
  blocked_since REAL
) STRICT;
CREATE INDEX requests_pending ON requests (builder, priority DESC, submitted_at, id) WHERE state = 'pending';
CREATE INDEX requests_unexplained ON requests (builder) WHERE state = 'pending' AND blocker IS NULL;
CREATE INDEX requests_open ON requests (id) WHERE state <> 'finished';
CREATE INDEX requests_of_buildset ON requests (buildset_id);
CREATE INDEX requests_collapsed ON requests (collapsed_into) WHERE collapsed_into IS NOT NULL;

CREATE TABLE builds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  builder TEXT NOT NULL,
  number INTEGER NOT NULL,
  request_id INTEGER NOT NULL REFERENCES requests (id),
  buildset_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,      -- names this attempt to the worker; never reused
  worker TEXT NOT NULL,
  directory TEXT NOT NULL,     -- on the worker, below its base directory
  holds_slot INTEGER NOT NULL,
  state TEXT NOT NULL,
  result TEXT,
  result_so_far TEXT NOT NULL,
  halted INTEGER NOT NULL DEFAULT 0, -- 1: only clean-up is still run; 2: not even that
  once INTEGER NOT NULL DEFAULT 0, -- 1: a step that must not be started twice has begun, so the build is never retried
  submitted_at REAL NOT NULL,
  started_at REAL NOT NULL,
  finished_at REAL,
  summary TEXT NOT NULL DEFAULT '',
  properties TEXT NOT NULL,    -- Properties
  stop_reason TEXT,
  config_version INTEGER NOT NULL,
  shape TEXT NOT NULL,         -- of the factory: a build is resumed only with steps of the same shape
  grace_until REAL,
  estimate_ms REAL,
  UNIQUE (builder, number)
) STRICT;
CREATE INDEX builds_active ON builds (id) WHERE state <> 'finished';
CREATE INDEX builds_of_request ON builds (request_id);
CREATE INDEX builds_of_builder ON builds (builder, id);
CREATE INDEX builds_of_worker ON builds (worker, id);
CREATE INDEX builds_by_start ON builds (started_at);
CREATE INDEX builds_by_finish ON builds (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE steps (
  build_id INTEGER NOT NULL REFERENCES builds (id),
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  result TEXT,
  started_at REAL,
  locks_acquired_at REAL,
  finished_at REAL,
  summary TEXT NOT NULL DEFAULT '',
  hidden INTEGER NOT NULL DEFAULT 0,
  blocker TEXT,                -- Blocker
  urls TEXT NOT NULL DEFAULT '[]',
  options TEXT,                -- resolved options
  command_id INTEGER,
  added_by INTEGER,            -- number of the step that added it during the build
  seen_properties TEXT,        -- of a step that added others: the properties it saw, to ask it again after a restart
  PRIMARY KEY (build_id, number)
) STRICT, WITHOUT ROWID;

-- What workers were told, or are to be told, to run. A row lives until its end is on record or it is given up; a worker
-- that asks about a command without row is told to forget it.
CREATE TABLE commands (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  build_id INTEGER NOT NULL,
  step_number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  worker TEXT NOT NULL,
  store_id TEXT,               -- of the worker that was first told; null: never sent
  state TEXT NOT NULL,         -- queued, sent, started
  label TEXT NOT NULL,
  command TEXT NOT NULL,       -- Command
  transfer TEXT,               -- Transfer
  patient INTEGER NOT NULL DEFAULT 0, -- waits for an absent worker as long as it takes
  pid INTEGER,
  interrupt_reason TEXT
) STRICT;
CREATE INDEX commands_of_worker ON commands (worker);
CREATE INDEX commands_of_step ON commands (build_id, step_number);

CREATE TABLE logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  build_id INTEGER NOT NULL,
  step_number INTEGER NOT NULL,
  name TEXT NOT NULL,
  stream INTEGER NOT NULL,     -- 0 for stdio, else the journal stream of the extra log file
  lines INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  UNIQUE (build_id, step_number, name)
) STRICT;

-- Leases of locks and their queue. `seq` is the order of arrival; `fence` rises with every grant.
CREATE TABLE lock_claims (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  holder TEXT NOT NULL,        -- request:ID, build:ID or step:BUILD.NUMBER
  lock TEXT NOT NULL,          -- name, or name@worker
  mode TEXT NOT NULL,
  count INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  queued_at REAL NOT NULL,
  granted_at REAL,
  fence INTEGER,
  UNIQUE (holder, lock)
) STRICT;

CREATE TABLE workers (
  name TEXT PRIMARY KEY,
  token_hash TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  last_seen_at REAL,
  store_id TEXT,
  info TEXT                    -- WorkerInfo
) STRICT;

CREATE TABLE schedulers (
  name TEXT PRIMARY KEY,
  enabled INTEGER NOT NULL DEFAULT 1,
  last_at REAL,
  state TEXT NOT NULL DEFAULT '{}' -- of its kind
) STRICT;

-- Changes that a scheduler has seen and not yet built.
CREATE TABLE scheduler_changes (
  scheduler TEXT NOT NULL,
  change_id INTEGER NOT NULL REFERENCES changes (id),
  important INTEGER NOT NULL,
  PRIMARY KEY (scheduler, change_id)
) STRICT, WITHOUT ROWID;

-- Private state of sources of change (last revisions seen), by source and key.
CREATE TABLE source_state (source TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, key)) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

-- Answers to requests that came with an Idempotency-Key: the newest are kept (see http/idempotency.ts).
CREATE TABLE idempotency (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,       -- hash of method, address and body: another request with this key is refused
  answer TEXT NOT NULL,        -- the answer's body
  at REAL NOT NULL
) STRICT;
