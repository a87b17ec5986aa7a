# Ubuntu 22.04
CFLAGS="-O2 -fPIE -fstack-clash-protection"
LDFLAGS="-pie -Wl,-z,relro,-z,now"
