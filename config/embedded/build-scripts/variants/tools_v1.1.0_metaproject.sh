# The data tools on top of the base. A metaproject: its sources are checked out into the shared tree first.
PACKAGES="toolchain argon2 sqlite treesum"
