// SPDX-License-Identifier: MIT
//
// hipMalloc and hipHostMalloc as this executable exports them: libMIOpen's calls arrive here first and are handed on. MIOpen's
// allocator tries hipMalloc and, where that fails, hipHostMalloc. It asks hipMemGetInfo before, but for its log only, so that
// one is left alone.

#include "allocation.hpp"

#include <hip/hip_runtime_api.h>

#include <dlfcn.h>

#include <cstdio>
#include <cstring>

static bool refusing = false;
static std::size_t from_host = 0;

static bool is_miopen(const void* caller)
{
    Dl_info info;
    if(dladdr(caller, &info) == 0 || info.dli_fname == nullptr)
        return false;
    const char* const slash = std::strrchr(info.dli_fname, '/');
    return std::strncmp(slash != nullptr ? slash + 1 : info.dli_fname, "libMIOpen.", 10) == 0;
}

extern "C" {

hipError_t hipMalloc(void** place, std::size_t bytes)
{
    static const auto next = reinterpret_cast<hipError_t (*)(void**, std::size_t)>(dlsym(RTLD_NEXT, "hipMalloc"));
    if(refusing && is_miopen(__builtin_return_address(0)))
    {
        std::printf("memory: hipMalloc of %zu bytes: refused\n", bytes);
        std::fflush(stdout);
        return hipErrorOutOfMemory;
    }
    return next(place, bytes);
}

hipError_t hipHostMalloc(void** place, std::size_t bytes, unsigned flags)
{
    static const auto next =
        reinterpret_cast<hipError_t (*)(void**, std::size_t, unsigned)>(dlsym(RTLD_NEXT, "hipHostMalloc"));
    const hipError_t status = next(place, bytes, flags);
    if(refusing && is_miopen(__builtin_return_address(0)))
    {
        std::printf("memory: hipHostMalloc of %zu bytes, flags 0x%x: %s\n", bytes, flags,
                    status == hipSuccess ? "given" : "refused");
        std::fflush(stdout);
        from_host += status == hipSuccess;
    }
    return status;
}
}

NoMemoryForMiopen::NoMemoryForMiopen()
{
    from_host = 0;
    refusing = true;
}

NoMemoryForMiopen::~NoMemoryForMiopen() { refusing = false; }

std::size_t NoMemoryForMiopen::served_from_host() const { return from_host; }
