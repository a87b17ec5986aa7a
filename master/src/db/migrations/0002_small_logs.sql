-- Logs that are complete and small: most steps write a few lines, and a file for each would cost a page of disk, a
-- directory entry and a sync. `frame` is one compressed frame of line records, as in the files of the other logs.
CREATE TABLE small_logs (
  log_id INTEGER PRIMARY KEY REFERENCES logs (id) ON DELETE CASCADE,
  frame BLOB NOT NULL
) STRICT;
