/* argon2sum PASSWORD SALT: the Argon2i hash (2 passes, 64 MiB, 1 lane) in hexadecimal. */
#include <stdio.h>
#include <string.h>

#include "argon2.h"

int main(int argc, char **argv) {
  unsigned char hash[32];
  if (argc != 3) {
    fprintf(stderr, "usage: argon2sum PASSWORD SALT\n");
    return 2;
  }
  int status = argon2i_hash_raw(2, 1 << 16, 1, argv[1], strlen(argv[1]), argv[2], strlen(argv[2]), hash, sizeof hash);
  if (status != ARGON2_OK) {
    fprintf(stderr, "argon2sum: %s\n", argon2_error_message(status));
    return 1;
  }
  for (size_t i = 0; i < sizeof hash; i++) printf("%02x", hash[i]);
  printf("\n");
  return 0;
}
