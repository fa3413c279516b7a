// SPDX-License-Identifier: MIT
#include "status.hpp"
#include "wave_sum.hpp"

namespace rdna_selftest {
namespace {

// One wave per row.
__global__ void row_sum_kernel(const float* matrix, float* sums, std::size_t columns)
{
    const float* row = matrix + blockIdx.x * columns;
    float sum        = 0;
    for(std::size_t column = threadIdx.x; column < columns; column += blockDim.x)
        sum += row[column];
    sum = wave_sum(sum);
    if(threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}

} // namespace
} // namespace rdna_selftest

extern "C" rdna_selftest_status
rdna_selftest_row_sum(const float* matrix, float* sums, size_t rows, size_t columns, void* stream)
{
    using namespace rdna_selftest;
    if(rows == 0)
        return RDNA_SELFTEST_OK;

    int device       = 0;
    int lanes        = 0;
    hipError_t error = hipGetDevice(&device);
    if(error == hipSuccess)
        error = hipDeviceGetAttribute(&lanes, hipDeviceAttributeWarpSize, device);
    if(error != hipSuccess)
        return status_of(error);

    row_sum_kernel<<<rows, lanes, 0, static_cast<hipStream_t>(stream)>>>(matrix, sums, columns);
    return status_of(hipGetLastError());
}
