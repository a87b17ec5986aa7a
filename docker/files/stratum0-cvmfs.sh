#!/bin/sh
# Begins a container of the stratum 0 with the stock tools: imports the repositories that the volumes hold, makes those
# that are nowhere yet, sets their options, then runs what it was given. Always safe to do again.
# ICEFALL_REPOSITORIES: names, with spaces between. ICEFALL_OWNER: who may publish.
set -eu
owner=${ICEFALL_OWNER:-root}

# set_option REPO NAME VALUE: in the repository's server.conf, once.
set_option() {
  file=/etc/cvmfs/repositories.d/$1/server.conf
  grep -v "^$2=" "$file" >"$file.new" || true
  printf '%s=%s\n' "$2" "$3" >>"$file.new"
  mv "$file.new" "$file"
}

sed -i 's/^Listen .*/Listen 8000/' /etc/httpd/conf/httpd.conf
httpd
for repository in ${ICEFALL_REPOSITORIES:-}; do
  if [ ! -d "/etc/cvmfs/repositories.d/$repository" ]; then
    if [ -e "/srv/cvmfs/$repository/.cvmfspublished" ]; then
      cvmfs_server import -o "$owner" -k /etc/cvmfs/keys "$repository"
    else
      cvmfs_server mkfs -o "$owner" "$repository"
    fi
  fi
  set_option "$repository" CVMFS_AUTOCATALOGS true
  set_option "$repository" CVMFS_AUTO_TAG false
  set_option "$repository" CVMFS_GARBAGE_COLLECTION true
  set_option "$repository" CVMFS_FILE_MBYTE_LIMIT 2048
  # A crash in a transaction leaves its overlay unmounted; the abort of the builder that comes next needs it.
  cvmfs_server mount "$repository"
done
exec "$@"
