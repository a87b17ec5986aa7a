# AlmaLinux 8
CFLAGS="-O2 -fno-omit-frame-pointer"
LDFLAGS="-Wl,--build-id=sha1"
