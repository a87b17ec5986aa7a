# Debian 13
CFLAGS="-O2 -fstack-protector-strong -fstack-clash-protection"
LDFLAGS="-Wl,-z,relro"
