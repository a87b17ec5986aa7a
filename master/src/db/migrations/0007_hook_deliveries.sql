-- What code hosts have sent, for people to look at, and for the master to read again. Bounded: see changes/hook-deliveries.ts.
-- Secrets and signatures are never in it: of the headers it has what is named here.
CREATE TABLE hook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  dialect TEXT NOT NULL,
  origin TEXT,                 -- address that it came from
  event TEXT,
  delivery_id TEXT,            -- the host's own
  size_bytes INTEGER NOT NULL,
  outcome TEXT NOT NULL,       -- accepted, ignored, refused
  code TEXT,                   -- of the refusal
  reason TEXT,                 -- why it was refused or ignored
  change_ids TEXT NOT NULL,    -- number[]
  redelivery_of INTEGER,       -- delivery whose body was read again
  content_type TEXT,
  body BLOB                    -- gzip; null: never signed, too large, or no longer kept
) STRICT;
CREATE INDEX hook_deliveries_by_outcome ON hook_deliveries (outcome, id);
CREATE INDEX hook_deliveries_with_body ON hook_deliveries (id) WHERE body IS NOT NULL;
