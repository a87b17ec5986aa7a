-- What has been, for people to look back at: who held which lock, and when workers were connected. Bounded for each.
CREATE TABLE lock_uses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  lock TEXT NOT NULL,          -- name, or name@worker
  holder TEXT NOT NULL,        -- as in lock_claims
  mode TEXT NOT NULL,
  count INTEGER NOT NULL,
  queued_at REAL NOT NULL,
  granted_at REAL NOT NULL,
  released_at REAL NOT NULL
) STRICT;
CREATE INDEX lock_uses_of_lock ON lock_uses (lock, id);

CREATE TABLE worker_connections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  worker TEXT NOT NULL,
  began_at REAL NOT NULL,
  ended_at REAL                -- NULL: it is connected, or was when this master ended
) STRICT;
CREATE INDEX worker_connections_of_worker ON worker_connections (worker, id);
