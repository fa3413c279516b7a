// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <cmath>

namespace rdna_selftest {

Values reference_vector_add(const Values& a, const Values& b)
{
    Values sum(a.size());
    for(std::size_t i = 0; i < a.size(); ++i)
        sum[i] = a[i] + b[i];
    return sum;
}

Values reference_row_sum(const Values& matrix, std::size_t rows, std::size_t columns)
{
    Values sums(rows);
    for(std::size_t row = 0; row < rows; ++row)
    {
        double sum = 0;
        for(std::size_t column = 0; column < columns; ++column)
            sum += matrix[row * columns + column];
        sums[row] = static_cast<float>(sum);
    }
    return sums;
}

Values reference_transpose(const Values& matrix, std::size_t rows, std::size_t columns)
{
    Values transposed(matrix.size());
    for(std::size_t row = 0; row < rows; ++row)
        for(std::size_t column = 0; column < columns; ++column)
            transposed[column * rows + row] = matrix[row * columns + column];
    return transposed;
}

Values reference_block_norm(const Values& matrix, std::size_t rows, std::size_t columns, float epsilon)
{
    Values normed(matrix.size());
    for(std::size_t row = 0; row < rows; ++row)
    {
        const float* values = matrix.data() + row * columns;
        double sum          = 0;
        for(std::size_t column = 0; column < columns; ++column)
            sum += values[column];
        const double mean = sum / columns;
        double squares    = 0;
        for(std::size_t column = 0; column < columns; ++column)
            squares += (values[column] - mean) * (values[column] - mean);
        const double scale = 1 / std::sqrt(squares / columns + epsilon);
        for(std::size_t column = 0; column < columns; ++column)
            normed[row * columns + column] = static_cast<float>((values[column] - mean) * scale);
    }
    return normed;
}

} // namespace rdna_selftest
