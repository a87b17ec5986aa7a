# Ubuntu 24.04: position-independent, hardened, as its own packages are
CFLAGS="-O1 -fPIE -fstack-clash-protection -D_FORTIFY_SOURCE=2"
LDFLAGS="-pie -Wl,-z,relro,-z,now"
