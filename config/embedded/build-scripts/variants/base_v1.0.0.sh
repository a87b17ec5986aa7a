# The small base: a tool chain and the hash library.
PACKAGES="toolchain argon2"
