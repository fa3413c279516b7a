// SPDX-License-Identifier: MIT
// Launch sizes shared by the fat binary's kernels and the code object's.
#pragma once

#include <cstddef>

namespace rdna_selftest {

constexpr unsigned threads_per_block = 256;

constexpr unsigned blocks_for(std::size_t count)
{
    return static_cast<unsigned>((count + threads_per_block - 1) / threads_per_block);
}

} // namespace rdna_selftest
