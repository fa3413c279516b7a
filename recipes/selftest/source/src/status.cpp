// SPDX-License-Identifier: MIT
#include "status.hpp"

namespace rdna_selftest {

rdna_selftest_status status_of(hipError_t error)
{
    switch(error)
    {
    case hipSuccess: return RDNA_SELFTEST_OK;
    case hipErrorNoDevice: return RDNA_SELFTEST_NO_DEVICE;
    case hipErrorOutOfMemory: return RDNA_SELFTEST_OUT_OF_MEMORY;
    case hipErrorInvalidValue: return RDNA_SELFTEST_INVALID_ARGUMENT;
    default: return RDNA_SELFTEST_DEVICE_ERROR;
    }
}

} // namespace rdna_selftest

extern "C" const char* rdna_selftest_status_text(rdna_selftest_status status)
{
    switch(status)
    {
    case RDNA_SELFTEST_OK: return "ok";
    case RDNA_SELFTEST_NO_DEVICE: return "no AMD GPU";
    case RDNA_SELFTEST_OUT_OF_MEMORY: return "out of memory";
    case RDNA_SELFTEST_INVALID_ARGUMENT: return "invalid argument";
    case RDNA_SELFTEST_DEVICE_ERROR: return "the device reported an error";
    case RDNA_SELFTEST_WRONG_RESULT: return "the result differs from the host reference";
    }
    return "unknown status";
}
