-- People whom a directory or another sign-in has told of: they have no password here, and are believed for a while only.
ALTER TABLE users ADD COLUMN source TEXT NOT NULL DEFAULT 'local';
ALTER TABLE users ADD COLUMN subject TEXT;   -- what the source knows them by
ALTER TABLE users ADD COLUMN told_at REAL;   -- when it told of them last
