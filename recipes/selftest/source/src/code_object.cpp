// SPDX-License-Identifier: MIT
// Launches a kernel from a code object file instead of the library's own fat binary.
#include "launch.hpp"
#include "status.hpp"

using rdna_selftest::blocks_for;
using rdna_selftest::status_of;
using rdna_selftest::threads_per_block;

extern "C" rdna_selftest_status rdna_selftest_vector_add_from_file(
    const char* file, const float* a, const float* b, float* sum, size_t count, void* stream)
{
    if(file == nullptr)
        return RDNA_SELFTEST_INVALID_ARGUMENT;
    if(count == 0)
        return RDNA_SELFTEST_OK;

    hipModule_t module = nullptr;
    hipError_t error   = hipModuleLoad(&module, file);
    if(error != hipSuccess)
        return status_of(error);

    hipFunction_t kernel = nullptr;
    error                = hipModuleGetFunction(&kernel, module, "rdna_selftest_vector_add_kernel");
    if(error == hipSuccess)
    {
        void* arguments[] = {&a, &b, &sum, &count};
        const auto queue  = static_cast<hipStream_t>(stream);
        error             = hipModuleLaunchKernel(
            kernel, blocks_for(count), 1, 1, threads_per_block, 1, 1, 0, queue, arguments, nullptr);
        // The module must outlive the kernel that runs from it.
        if(error == hipSuccess)
            error = hipStreamSynchronize(queue);
    }
    const hipError_t unloaded = hipModuleUnload(module);
    return status_of(error != hipSuccess ? error : unloaded);
}
