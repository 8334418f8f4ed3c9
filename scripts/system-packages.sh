#!/bin/bash
# Installs the programs that the tests use and that are missing, where it may (root and apt-get); elsewhere it says
# what is missing and the command to type. A missing program never stops this script: the tests name what they skip.
set -u

# program:package, one per line
needed='
fastboot:fastboot
img2simg:android-sdk-libsparse-utils
simg2img:android-sdk-libsparse-utils
sgdisk:gdisk
bzip2:bzip2
xz:xz-utils
zip:zip
chromium:chromium
pdftotext:poppler-utils
unzip:unzip
bsdiff:bsdiff
adb:adb
openssl:openssl
readelf:binutils
qdl:qdl
losetup:mount
signapk:signapk
'
# The USB guest runs Debian's own kernel, on x86-64 only.
if [ "$(uname -m)" = x86_64 ] && command -v dpkg-deb >/dev/null; then
  needed="$needed
qemu-system-x86_64:qemu-system-x86
modprobe:kmod
cpio:cpio
"
fi

PATH="$PATH:/usr/sbin:/sbin"
missing_packages() {
  local line
  for line in $needed; do
    command -v "${line%%:*}" >/dev/null || echo "${line##*:}"
  done | sort -u | tr '\n' ' '
}

missing=$(missing_packages)
if [ -z "$missing" ]; then
  echo 'System packages: all there.'
  exit 0
fi
command_line="apt-get install -y --no-install-recommends $missing"

if ! command -v apt-get >/dev/null; then
  echo "System packages missing: $missing"
  echo 'This system has no apt-get; install their equivalents. Tests that need them are skipped.'
elif [ "$(id -u)" != 0 ]; then
  echo "System packages missing: $missing"
  echo 'Tests that need them are skipped. To install them:'
  echo "  sudo $command_line"
else
  echo "System packages missing: $missing- installing them."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # One that cannot be installed must not keep the others out.
  $command_line -qq >/dev/null || for package in $missing; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || echo "Could not install $package."
  done
  missing=$(missing_packages)
  [ -z "$missing" ] || echo "Still missing: $missing- tests that need them are skipped."
fi
exit 0
