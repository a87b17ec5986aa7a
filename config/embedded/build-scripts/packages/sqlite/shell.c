/* sqlite3 DATABASE SQL: runs the statements and prints rows, columns separated by "|". */
#include <stdio.h>

#include "sqlite3.h"

static int print_row(void *unused, int columns, char **values, char **names) {
  (void)unused;
  (void)names;
  for (int i = 0; i < columns; i++) printf("%s%s", i == 0 ? "" : "|", values[i] == NULL ? "" : values[i]);
  printf("\n");
  return 0;
}

int main(int argc, char **argv) {
  sqlite3 *database;
  char *message = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: sqlite3 DATABASE SQL\n");
    return 2;
  }
  if (sqlite3_open(argv[1], &database) != SQLITE_OK) {
    fprintf(stderr, "sqlite3: %s: %s\n", argv[1], sqlite3_errmsg(database));
    return 1;
  }
  if (sqlite3_exec(database, argv[2], print_row, NULL, &message) != SQLITE_OK) {
    fprintf(stderr, "sqlite3: %s\n", message);
    return 1;
  }
  return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
}
