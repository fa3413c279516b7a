// SPDX-License-Identifier: MIT
// The table that tools/embed_texts writes at build time.
#pragma once

#include <cstddef>

namespace rdna_selftest {

struct KernelText
{
    const char* name;
    // Ends with a NUL that `bytes` does not count.
    const char* text;
    std::size_t bytes;
};

extern const KernelText kernel_texts[];
extern const std::size_t kernel_text_count;

} // namespace rdna_selftest
