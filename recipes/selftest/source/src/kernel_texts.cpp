// SPDX-License-Identifier: MIT
#include "kernel_texts.hpp"

#include "rdna_selftest/rdna_selftest.h"

using rdna_selftest::kernel_text_count;
using rdna_selftest::kernel_texts;

extern "C" size_t rdna_selftest_kernel_count(void) { return kernel_text_count; }

extern "C" const char* rdna_selftest_kernel_name(size_t index)
{
    return index < kernel_text_count ? kernel_texts[index].name : nullptr;
}

extern "C" const char* rdna_selftest_kernel_text(size_t index, size_t* bytes)
{
    if(index >= kernel_text_count)
        return nullptr;
    if(bytes != nullptr)
        *bytes = kernel_texts[index].bytes;
    return kernel_texts[index].text;
}
