-- Configurations that were in force: what a build's config_version means. The newest are kept (engine/config-versions.ts).
CREATE TABLE config_versions (
  version INTEGER PRIMARY KEY,
  applied_at REAL NOT NULL,
  digest TEXT NOT NULL
) STRICT;
CREATE INDEX config_versions_of_digest ON config_versions (digest);

-- Every restart makes a version; most of them are of the same program.
CREATE TABLE config_descriptions (
  digest TEXT PRIMARY KEY,
  description TEXT NOT NULL    -- SiteDescription
) STRICT;
