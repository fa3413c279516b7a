// SPDX-License-Identifier: MIT
//
// half 2 as MIOpen includes it, with the one name of half 1 that MIOpen's tests ask for and half 2 no longer has: the type
// of what half 1 had not yet computed.
#pragma once

#include <half.hpp>

namespace half_float {
namespace detail {
struct expr;
}
} // namespace half_float
