# Debian 12
CFLAGS="-O1 -fstack-protector-strong"
LDFLAGS="-Wl,-z,relro"
