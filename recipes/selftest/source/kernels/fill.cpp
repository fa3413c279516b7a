// SPDX-License-Identifier: MIT
// Fills memory with one value. Compiled at run time.
#ifndef __HIPCC_RTC__
#include <hip/hip_runtime.h>
#endif

extern "C" __global__ void fill(float* memory, float value, unsigned count)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if(i < count)
        memory[i] = value;
}
