# AlmaLinux 9: frame pointers kept, for profilers
CFLAGS="-O1 -fno-omit-frame-pointer"
LDFLAGS="-Wl,--build-id=sha1"
