// SPDX-License-Identifier: MIT
//
// What MIOpen's own allocator asks of HIP, and a way to refuse it memory of the card.

#pragma once

#include <cstddef>

// While one of these lives, hipMalloc refuses what libMIOpen asks for, and each such request is told on stdout. Everybody
// else, rocBLAS too, is served as ever.
class NoMemoryForMiopen
{
public:
    NoMemoryForMiopen();
    ~NoMemoryForMiopen();
    NoMemoryForMiopen(const NoMemoryForMiopen&) = delete;
    NoMemoryForMiopen& operator=(const NoMemoryForMiopen&) = delete;

    // How often MIOpen got memory of the host instead.
    std::size_t served_from_host() const;
};
