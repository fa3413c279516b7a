// SPDX-License-Identifier: MIT
// The operators on the host, as plainly as possible: what the device must agree with.
#pragma once

#include <cstddef>
#include <vector>

namespace rdna_selftest {

using Values = std::vector<float>;

Values reference_vector_add(const Values& a, const Values& b);
Values reference_row_sum(const Values& matrix, std::size_t rows, std::size_t columns);
Values reference_transpose(const Values& matrix, std::size_t rows, std::size_t columns);
Values reference_block_norm(const Values& matrix, std::size_t rows, std::size_t columns, float epsilon);

} // namespace rdna_selftest
