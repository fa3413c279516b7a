// SPDX-License-Identifier: MIT
#include "vector_add_kernel.hpp"

// Unmangled: hipModuleGetFunction asks for it by this name.
extern "C" __global__ void
rdna_selftest_vector_add_kernel(const float* a, const float* b, float* sum, std::size_t count)
{
    rdna_selftest::vector_add(a, b, sum, count);
}
