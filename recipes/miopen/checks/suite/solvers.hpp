// SPDX-License-Identifier: MIT
//
// Names for the numbers of solutions.

#pragma once

#include <cstdint>
#include <string>

// The number, and behind it the name where it is known: `85 ConvDirectNaiveConvFwd`.
std::string solution_name(std::uint64_t id);
