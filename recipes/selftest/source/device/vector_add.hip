// SPDX-License-Identifier: MIT
#include "vector_add_kernel.hpp"

#include "launch.hpp"
#include "status.hpp"

namespace rdna_selftest {
namespace {

__global__ void vector_add_kernel(const float* a, const float* b, float* sum, std::size_t count)
{
    vector_add(a, b, sum, count);
}

} // namespace
} // namespace rdna_selftest

extern "C" rdna_selftest_status
rdna_selftest_vector_add(const float* a, const float* b, float* sum, size_t count, void* stream)
{
    using namespace rdna_selftest;
    if(count == 0)
        return RDNA_SELFTEST_OK;
    vector_add_kernel<<<blocks_for(count), threads_per_block, 0, static_cast<hipStream_t>(stream)>>>(
        a, b, sum, count);
    return status_of(hipGetLastError());
}
