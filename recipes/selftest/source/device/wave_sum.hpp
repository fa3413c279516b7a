// SPDX-License-Identifier: MIT
// Sum over the lanes of a wave without touching memory.
#pragma once

#include <hip/hip_runtime.h>

namespace rdna_selftest {

// Adds the value of the lane `Control` selects (a DPP control word).
template <int Control>
__device__ inline float add_dpp(float value)
{
    const int moved =
        __builtin_amdgcn_update_dpp(0, __builtin_bit_cast(int, value), Control, 0xf, 0xf, true);
    return value + __builtin_bit_cast(float, moved);
}

// Every lane of a row of 16 receives the row's sum.
__device__ inline float row_of_16_sum(float value)
{
    constexpr int row_rotate_right = 0x120;
    value                          = add_dpp<row_rotate_right + 8>(value);
    value                          = add_dpp<row_rotate_right + 4>(value);
    value                          = add_dpp<row_rotate_right + 2>(value);
    return add_dpp<row_rotate_right + 1>(value);
}

// Every lane of the wave receives the wave's sum; all lanes must be active.
__device__ inline float wave_sum(float value)
{
    value = row_of_16_sum(value);
#if defined(__AMDGCN__)
    // Two wait states between a vector write and the DPP read of it: the compiler does not look into assembly.
    asm volatile("s_nop 1\n"
                 "v_add_f32 %0, %0, %0 row_bcast:15 row_mask:0xa\n"
                 "s_nop 1\n"
                 "v_add_f32 %0, %0, %0 row_bcast:31 row_mask:0xc\n"
                 "s_nop 1\n"
                 : "+v"(value));
    const int last = __builtin_amdgcn_readlane(__builtin_bit_cast(int, value), 63);
    value          = __builtin_bit_cast(float, last);
#else
    for(int lanes = 16; lanes < warpSize; lanes *= 2)
        value += __shfl_xor(value, lanes);
#endif
    return value;
}

} // namespace rdna_selftest
