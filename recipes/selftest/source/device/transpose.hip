// SPDX-License-Identifier: MIT
#include <hip/hip_runtime.h>

#include "status.hpp"

namespace rdna_selftest {
namespace {

constexpr unsigned tile      = 32;
constexpr unsigned tile_rows = 8;

// Through LDS, so that reads and writes of global memory are both contiguous.
__global__ void
transpose_kernel(const float* matrix, float* transposed, std::size_t rows, std::size_t columns)
{
    // One column more than needed: otherwise a column of the tile lies in a single LDS bank.
    __shared__ float values[tile][tile + 1];

    std::size_t column = static_cast<std::size_t>(blockIdx.x) * tile + threadIdx.x;
    std::size_t row    = static_cast<std::size_t>(blockIdx.y) * tile + threadIdx.y;
    for(unsigned step = 0; step < tile; step += tile_rows)
        if(row + step < rows && column < columns)
            values[threadIdx.y + step][threadIdx.x] = matrix[(row + step) * columns + column];
    __syncthreads();

    column = static_cast<std::size_t>(blockIdx.y) * tile + threadIdx.x;
    row    = static_cast<std::size_t>(blockIdx.x) * tile + threadIdx.y;
    for(unsigned step = 0; step < tile; step += tile_rows)
        if(row + step < columns && column < rows)
            transposed[(row + step) * rows + column] = values[threadIdx.x][threadIdx.y + step];
}

} // namespace
} // namespace rdna_selftest

extern "C" rdna_selftest_status
rdna_selftest_transpose(const float* matrix, float* transposed, size_t rows, size_t columns, void* stream)
{
    using namespace rdna_selftest;
    if(rows == 0 || columns == 0)
        return RDNA_SELFTEST_OK;
    const dim3 grid((columns + tile - 1) / tile, (rows + tile - 1) / tile);
    transpose_kernel<<<grid, dim3(tile, tile_rows), 0, static_cast<hipStream_t>(stream)>>>(
        matrix, transposed, rows, columns);
    return status_of(hipGetLastError());
}
