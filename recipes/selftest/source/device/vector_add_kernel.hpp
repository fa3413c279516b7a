// SPDX-License-Identifier: MIT
// One kernel body, compiled twice: into the library's fat binary and into a code object of its own.
#pragma once

#include <hip/hip_runtime.h>

namespace rdna_selftest {

__device__ inline void vector_add(const float* a, const float* b, float* sum, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if(i < count)
        sum[i] = a[i] + b[i];
}

} // namespace rdna_selftest
