/* treesum DIRECTORY: number and size of the files below a directory, by the ending of their names. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "sqlite3.h"

static sqlite3_stmt *insert;

static int visit(const char *path, const struct stat *status, int type, struct FTW *place) {
  if (type != FTW_F) return 0;
  const char *dot = strrchr(path + place->base, '.');
  sqlite3_reset(insert);
  sqlite3_bind_text(insert, 1, dot == NULL ? "" : dot, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64(insert, 2, status->st_size);
  return sqlite3_step(insert) == SQLITE_DONE ? 0 : 1;
}

static int print_row(void *unused, int columns, char **values, char **names) {
  (void)unused;
  (void)columns;
  (void)names;
  printf("%8s files %12s bytes  %s\n", values[0], values[1], values[2]);
  return 0;
}

int main(int argc, char **argv) {
  sqlite3 *database;
  if (argc != 2) {
    fprintf(stderr, "usage: treesum DIRECTORY\n");
    return 2;
  }
  sqlite3_open(":memory:", &database);
  sqlite3_exec(database, "create table file (ending text, size integer)", NULL, NULL, NULL);
  sqlite3_prepare_v2(database, "insert into file values (?, ?)", -1, &insert, NULL);
  if (nftw(argv[1], visit, 16, FTW_PHYS) != 0) {
    perror(argv[1]);
    return 1;
  }
  sqlite3_finalize(insert);
  sqlite3_exec(database,
               "select count(*), sum(size), ending from file group by ending"
               " union all select count(*), sum(size), 'all' from file",
               print_row, NULL, NULL);
  return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}
