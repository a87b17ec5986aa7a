# Debian 11
CFLAGS="-O2 -fstack-protector-strong"
LDFLAGS="-Wl,-z,relro"
