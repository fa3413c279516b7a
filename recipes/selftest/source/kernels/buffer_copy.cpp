// SPDX-License-Identifier: MIT
// Copies memory through buffer resources, whose bounds check replaces the branch at the end. Compiled at run time.
#ifndef __HIPCC_RTC__
#include <hip/hip_runtime.h>
#endif

// Word 3 of a buffer resource says how the other three are read: format, bounds check, kind.
#define BUFFER_RESOURCE_WORD3 0x00027000

typedef int BufferResource __attribute__((ext_vector_type(4)));

__device__ float load(BufferResource resource, int lane_offset, int wave_offset, int cache_policy)
    __asm("llvm.amdgcn.raw.buffer.load.f32");
__device__ void
store(float value, BufferResource resource, int lane_offset, int wave_offset, int cache_policy)
    __asm("llvm.amdgcn.raw.buffer.store.f32");

__device__ inline BufferResource resource_of(const float* memory, unsigned count)
{
    const unsigned long long address = reinterpret_cast<unsigned long long>(memory);
    BufferResource resource;
    resource.x = static_cast<int>(address);
    resource.y = static_cast<int>((address >> 32) & 0xffff);
    resource.z = static_cast<int>(count * sizeof(float));
    resource.w = BUFFER_RESOURCE_WORD3;
    return resource;
}

extern "C" __global__ void buffer_copy(const float* from, float* to, unsigned count)
{
    const int offset = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) * sizeof(float));
    store(load(resource_of(from, count), offset, 0, 0), resource_of(to, count), offset, 0, 0);
}
