// SPDX-License-Identifier: MIT
#include "launch.hpp"
#include "status.hpp"
#include "wave_sum.hpp"

namespace rdna_selftest {
namespace {

// Every thread of the block receives the block's sum. `per_wave` holds one value per wave.
__device__ float block_sum(float value, float* per_wave)
{
    value = wave_sum(value);
    // Nobody may still be reading the sums of the call before.
    __syncthreads();
    if(threadIdx.x % warpSize == 0)
        per_wave[threadIdx.x / warpSize] = value;
    __syncthreads();
    float sum = 0;
    for(unsigned wave = 0; wave < blockDim.x / warpSize; ++wave)
        sum += per_wave[wave];
    return sum;
}

// One block per row.
__global__ void block_norm_kernel(const float* matrix, float* normed, std::size_t columns, float epsilon)
{
    constexpr unsigned smallest_wave = 32;
    __shared__ float per_wave[threads_per_block / smallest_wave];

    const float* in = matrix + blockIdx.x * columns;
    float* out      = normed + blockIdx.x * columns;

    float sum = 0;
    for(std::size_t column = threadIdx.x; column < columns; column += blockDim.x)
        sum += in[column];
    const float mean = block_sum(sum, per_wave) / columns;

    float squares = 0;
    for(std::size_t column = threadIdx.x; column < columns; column += blockDim.x)
        squares += (in[column] - mean) * (in[column] - mean);
    const float scale = rsqrtf(block_sum(squares, per_wave) / columns + epsilon);

    for(std::size_t column = threadIdx.x; column < columns; column += blockDim.x)
        out[column] = (in[column] - mean) * scale;
}

} // namespace
} // namespace rdna_selftest

extern "C" rdna_selftest_status rdna_selftest_block_norm(
    const float* matrix, float* normed, size_t rows, size_t columns, float epsilon, void* stream)
{
    using namespace rdna_selftest;
    if(rows == 0 || columns == 0)
        return RDNA_SELFTEST_OK;
    block_norm_kernel<<<rows, threads_per_block, 0, static_cast<hipStream_t>(stream)>>>(
        matrix, normed, columns, epsilon);
    return status_of(hipGetLastError());
}
