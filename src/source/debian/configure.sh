# Runs as root inside an image whose packages are unpacked but not configured. No network.
set -eu
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

# This file carries the date of the Debian release: the day that goes into /etc/shadow.
SOURCE_DATE_EPOCH=$(stat -c %Y /var/lib/dpkg/info/format)
export SOURCE_DATE_EPOCH

# No service starts inside an image.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# dpkg waits for the disk after each of its steps. Its journal is of no use in a container that is thrown away when
# anything fails: it lies in memory.
journal=/var/lib/dpkg/updates
if mkdir /dev/shm/updates 2> /dev/null; then
    rmdir "$journal"
    ln -s /dev/shm/updates "$journal"
fi

# Everything else expects users, groups and the folders of these two.
for package in base-passwd base-files; do
    dpkg --force-depends --configure "$package"
done
dpkg --configure -a

broken=$(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep -v '^ii ' || true)
if [ -n "$broken" ]; then
    printf 'these packages could not be configured:\n%s\n' "$broken" >&2
    exit 1
fi

if [ -h "$journal" ]; then
    rm "$journal"
    mkdir "$journal"
fi
rm -f /usr/sbin/policy-rc.d
if ! getent passwd 1000 > /dev/null; then
    groupadd --gid 1000 builder
    useradd --uid 1000 --gid 1000 --create-home --shell /bin/sh builder
fi

# What differs from run to run, or is of no use in an image.
rm -rf /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old /root/.cache \
    /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid-
find /var/log /var/cache/apt /var/lib/apt/lists -type f -delete
find /tmp /var/tmp -mindepth 1 -delete
