// SPDX-License-Identifier: MIT
#include "rdna_selftest/rdna_selftest.h"

extern "C" const char* rdna_selftest_version(void) { return RDNA_SELFTEST_VERSION; }

extern "C" const char* rdna_selftest_targets(void) { return RDNA_SELFTEST_TARGETS; }
