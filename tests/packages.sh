#!/usr/bin/env bash
# Installs the Debian packages that some tests use, where that can be done without asking anybody anything.
# Never fails: elsewhere those tests are skipped, and this says which.
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v dciodvfy >/dev/null || missing+=(dicom3tools)
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing the Debian packages that some tests use: ${missing[*]}."
    "${as_root[@]}" apt-get update -qq || echo "The lists of packages may be old; going on with them."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null </dev/null
fi

command -v chromium >/dev/null || echo "No chromium: the tests marked 'browser' are skipped."
command -v dciodvfy >/dev/null || echo "No dciodvfy (Debian package dicom3tools): the tests of DICOM conformance are skipped."
exit 0
