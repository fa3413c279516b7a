// SPDX-License-Identifier: MIT
//
// The data types of the suite. Values are double on the host; what goes to the card and comes from it is encoded here.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

using Values = std::vector<double>;
using Bytes = std::vector<unsigned char>;

enum class Type
{
    fp32,
    fp16,
};

std::size_t size_of(Type type);

// The largest relative error of rounding to the type: 2^-24 and 2^-11.
double rounding(Type type);

// The value of the type that is nearest, the even one of two.
double nearest(Type type, double value);
Values nearest(Type type, Values values);

Bytes encode(Type type, const Values& values);
Values decode(Type type, const Bytes& bytes);

// Numbers that look random and are the same everywhere: nonzero multiples of the step, at most `limit` steps away from zero.
// There is no zero, because nobody would miss a product with zero.
Values scattered(std::size_t count, unsigned seed, unsigned limit, double step);

// The same without a hole at zero.
Values spread(std::size_t count, unsigned seed, unsigned limit, double step);

double largest(const Values& values);

// How many values a packed tensor of these lengths has.
std::size_t volume(const std::vector<int>& lengths);
