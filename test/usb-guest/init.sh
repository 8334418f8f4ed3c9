#!/bin/busybox sh
# First process of the guest: loads the modules that reach the host's files, stacks a RAM overlay on them, goes there.
# The folder shared with the host holds the script that is run there.
b=/bin/busybox
die() { echo "guest: $*" >/dev/console; $b poweroff -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module" || die "insmod $module"; done

# The host's root: read-only, unchanging while the guest runs, so it may be cached freely.
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host || die 'no host files'
$b mount -t tmpfs -o size=80%,mode=755 ram /ram
$b mkdir /ram/changes /ram/work
$b mount -t overlay -o lowerdir=/host,upperdir=/ram/changes,workdir=/ram/work overlay /root || die 'no overlay'

for place in proc sys dev; do $b mount --move /$place /root/$place; done
$b mkdir -p /root/run
$b mount -t tmpfs run /root/run
$b mkdir /root/run/shared
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 shared /root/run/shared || die 'no shared folder'
exec $b switch_root /root /bin/sh /run/shared/start.sh
