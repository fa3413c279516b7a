// SPDX-License-Identifier: MIT
// Translates HIP errors into the status codes of the interface.
#pragma once

#include <hip/hip_runtime_api.h>

#include "rdna_selftest/rdna_selftest.h"

namespace rdna_selftest {

rdna_selftest_status status_of(hipError_t error);

} // namespace rdna_selftest
