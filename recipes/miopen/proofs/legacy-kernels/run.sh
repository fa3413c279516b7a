#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     run.sh FOLDER JOBS
#
# Runs the program of a folder for each chip, in so many processes, and shows what all of them say. The chip is asked for once
# in a program's life. What takes longest comes first.

set -eu
cd "$1"
printf '%s\n' 'gfx1010 ConvHip 4' 'gfx1010 ConvOcl 4' 'gfx1011 ConvHip 0' 'gfx1012 ConvHip 0' 'gfx1011 ConvOcl 0' \
    'gfx1012 ConvOcl 0' |
    xargs -P "$2" -L 1 sh -c 'STAND_IN_TARGET=$0 ./compile "$1" "$2" > "$0-$1.txt" 2>&1 || echo "failed: $0 $1" >> "$0-$1.txt"'
cat gfx*.txt
