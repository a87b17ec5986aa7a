-- People whom the master itself recognises.
CREATE TABLE users (
  name TEXT PRIMARY KEY,
  password TEXT NOT NULL,      -- scrypt, see access/passwords.ts
  mail TEXT,
  groups TEXT NOT NULL,        -- string[]
  disabled INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  signed_in_at REAL
) STRICT;

-- Sign-ins on the page. Of what the cookie holds only hashes are kept.
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  previous_hash TEXT,          -- still good for a moment after a rotation
  rotated_at REAL NOT NULL,
  csrf TEXT NOT NULL,          -- what a change has to show beside the cookie
  created_at REAL NOT NULL,
  seen_at REAL NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user);
CREATE INDEX sessions_previous ON sessions (previous_hash) WHERE previous_hash IS NOT NULL;

-- Tokens of programs, and of people's command lines.
CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  user TEXT,                   -- null: of a program
  hash TEXT NOT NULL UNIQUE,
  allow TEXT,                  -- Permission[]; null: what the user may do
  builders TEXT,               -- names; null: all
  created_at REAL NOT NULL,
  created_by TEXT NOT NULL,
  expires_at REAL NOT NULL,
  used_at REAL,
  used_from TEXT,
  revoked_at REAL
) STRICT;
CREATE INDEX api_tokens_of_user ON api_tokens (user);

-- The audit log: where it came from, and how it went. Nothing in it is changed, and nothing of the last 30 days deleted.
ALTER TABLE audit ADD COLUMN origin TEXT;
ALTER TABLE audit ADD COLUMN result TEXT NOT NULL DEFAULT 'ok';
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is not changed');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit WHEN OLD.at > (SELECT MAX(at) FROM audit) - 2592000000 BEGIN
  SELECT RAISE(ABORT, 'the last 30 days of the audit log are not deleted');
END;

-- Which builders were asked to build a change: who may view one of them may view the change.
CREATE TABLE change_builders (
  change_id INTEGER NOT NULL,
  builder TEXT NOT NULL,
  PRIMARY KEY (change_id, builder)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO change_builders (change_id, builder)
  SELECT c.value, r.builder FROM requests r JOIN buildsets s ON s.id = r.buildset_id, json_each(s.change_ids) c;
CREATE TRIGGER requests_of_changes AFTER INSERT ON requests BEGIN
  INSERT OR IGNORE INTO change_builders (change_id, builder)
    SELECT c.value, NEW.builder FROM buildsets s, json_each(s.change_ids) c WHERE s.id = NEW.buildset_id;
END;
CREATE TRIGGER changes_have_gone AFTER DELETE ON changes BEGIN
  DELETE FROM change_builders WHERE change_id = OLD.id;
END;
