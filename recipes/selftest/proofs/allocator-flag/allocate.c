// SPDX-License-Identifier: MIT
// Asks the library for memory once.
#include <rdna_selftest/rdna_selftest.h>

int main(void)
{
    void *memory = NULL;
    if (rdna_selftest_allocate(&memory, 4096) != RDNA_SELFTEST_OK)
        return 1;
    return rdna_selftest_release(memory) == RDNA_SELFTEST_OK ? 0 : 1;
}
