// SPDX-License-Identifier: MIT
// Stands in for the HIP runtime's memory: the device has none left, and host memory comes from the C library.
#include <stdio.h>
#include <stdlib.h>

enum { success = 0, out_of_memory = 2 };

int hipMalloc(void **memory, size_t bytes)
{
    (void)bytes;
    *memory = NULL;
    return out_of_memory;
}

int hipHostMalloc(void **memory, size_t bytes, unsigned flags)
{
    printf("hipHostMalloc of %zu bytes with flags 0x%x.\n", bytes, flags);
    *memory = malloc(bytes);
    return *memory == NULL ? out_of_memory : success;
}

int hipGetLastError(void)
{
    return success;
}

int hipFree(void *memory)
{
    free(memory);
    return success;
}
