// SPDX-License-Identifier: MIT
// Device memory with a way out: when the device is full, host memory that the device reaches over PCIe.
#include "status.hpp"

using rdna_selftest::status_of;

extern "C" rdna_selftest_status rdna_selftest_allocate(void** memory, size_t bytes)
{
    if(memory == nullptr || bytes == 0)
        return RDNA_SELFTEST_INVALID_ARGUMENT;

    void* p = nullptr;
    if(hipMalloc(&p, bytes) != hipSuccess)
    {
        // Dealt with here: it must not look like the failure of a later launch.
        static_cast<void>(hipGetLastError());
        const hipError_t error = hipHostMalloc(&p, bytes, 0);
        if(error != hipSuccess)
            return status_of(error);
    }
    *memory = p;
    return RDNA_SELFTEST_OK;
}

// hipFree accepts both kinds of memory.
extern "C" rdna_selftest_status rdna_selftest_release(void* memory)
{
    return status_of(hipFree(memory));
}
