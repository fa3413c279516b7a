// SPDX-License-Identifier: MIT
//
// What MIOpen's tests know of devices: that of this machine, and those for which they ask the solvers.

#include "gtest_common.hpp"

TEST(GPU_Device_NONE, IsKnown) { ASSERT_NO_THROW(GetDevGpuType()); }

TEST(CPU_Devices_NONE, AreListed)
{
    for(const auto& device : GetAllKnownDevices())
        std::cout << "asked: " << device.second << '\n';
}
