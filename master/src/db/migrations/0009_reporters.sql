-- Who tells others of builds, by the name in the site's configuration, and how far each has read the events.
CREATE TABLE reporters (
  name TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL,     -- seq of the newest event that it has read
  last_delivered_at REAL,
  last_error TEXT,
  last_error_at REAL,
  delivered INTEGER NOT NULL DEFAULT 0,
  given_up INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What they are to tell, and what they have told. Bounded: see reporters/report-rows.ts.
CREATE TABLE reports (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  reporter TEXT NOT NULL,
  build_id INTEGER NOT NULL,
  moment TEXT NOT NULL,        -- start, end
  previous TEXT,               -- result of the build before, at an end
  at REAL NOT NULL,
  state TEXT NOT NULL,         -- waiting, delivered, givenUp
  tries INTEGER NOT NULL DEFAULT 0,
  next_try_at REAL,
  done_at REAL,
  note TEXT,                   -- what went wrong
  UNIQUE (reporter, build_id, moment)
) STRICT;
CREATE INDEX reports_waiting ON reports (reporter, id) WHERE state = 'waiting';
CREATE INDEX reports_done ON reports (reporter, id) WHERE state <> 'waiting';
