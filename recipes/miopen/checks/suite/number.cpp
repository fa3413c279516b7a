// SPDX-License-Identifier: MIT
//
// Encoding of numbers, and where the suite's inputs come from. fp16 is done by hand: not every compiler of the versions in
// question converts it on the host without a library of its own.

#include "number.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

static std::uint16_t to_half(double value)
{
    const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const double size = std::fabs(value);
    if(std::isnan(value))
        return sign | 0x7e00;
    if(size < std::ldexp(1.0, -14))
        return sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(size, 24)));
    if(std::isinf(value))
        return sign | 0x7c00;
    int exponent;
    std::frexp(size, &exponent);
    // 11 bits, the first of which is one. Where rounding makes them 12, the sum carries into the exponent, as it should.
    const auto bits = static_cast<int>(std::nearbyint(std::ldexp(size, 11 - exponent)));
    const int encoded = ((exponent + 14) << 10) + (bits - 1024);
    return sign | static_cast<std::uint16_t>(std::min(encoded, 0x7c00));
}

static double from_half(std::uint16_t half)
{
    const int exponent = (half >> 10) & 31, bits = half & 1023;
    double size;
    if(exponent == 31)
        size = bits == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    else if(exponent == 0)
        size = std::ldexp(bits, -24);
    else
        size = std::ldexp(1024 + bits, exponent - 25);
    return (half & 0x8000) != 0 ? -size : size;
}

std::size_t size_of(Type type) { return type == Type::fp32 ? 4 : 2; }

double rounding(Type type) { return std::ldexp(1.0, type == Type::fp32 ? -24 : -11); }

double nearest(Type type, double value)
{
    return type == Type::fp32 ? static_cast<float>(value) : from_half(to_half(value));
}

Values nearest(Type type, Values values)
{
    for(double& value : values)
        value = nearest(type, value);
    return values;
}

Bytes encode(Type type, const Values& values)
{
    Bytes bytes(values.size() * size_of(type));
    for(std::size_t i = 0; i < values.size(); ++i)
    {
        const auto single = static_cast<float>(values[i]);
        const std::uint16_t half = to_half(values[i]);
        if(type == Type::fp32)
            std::memcpy(&bytes[i * 4], &single, 4);
        else
            std::memcpy(&bytes[i * 2], &half, 2);
    }
    return bytes;
}

Values decode(Type type, const Bytes& bytes)
{
    Values values(bytes.size() / size_of(type));
    for(std::size_t i = 0; i < values.size(); ++i)
    {
        float single;
        std::uint16_t half;
        if(type == Type::fp32)
        {
            std::memcpy(&single, &bytes[i * 4], 4);
            values[i] = single;
        }
        else
        {
            std::memcpy(&half, &bytes[i * 2], 2);
            values[i] = from_half(half);
        }
    }
    return values;
}

// The finaliser of MurmurHash3: neighbours get numbers that have nothing to do with each other.
static std::uint32_t mixed(std::uint32_t bits)
{
    bits ^= bits >> 16;
    bits *= 0x85ebca6b;
    bits ^= bits >> 13;
    bits *= 0xc2b2ae35;
    return bits ^ (bits >> 16);
}

static std::uint32_t draw(unsigned seed, std::size_t place)
{
    return mixed(static_cast<std::uint32_t>(place) * 2654435761U + mixed(seed + 1));
}

Values scattered(std::size_t count, unsigned seed, unsigned limit, double step)
{
    Values values(count);
    for(std::size_t i = 0; i < count; ++i)
    {
        const auto drawn = static_cast<int>(draw(seed, i) % (2 * limit)) - static_cast<int>(limit);
        values[i] = step * (drawn < 0 ? drawn : drawn + 1);
    }
    return values;
}

Values spread(std::size_t count, unsigned seed, unsigned limit, double step)
{
    Values values(count);
    for(std::size_t i = 0; i < count; ++i)
        values[i] = step * (static_cast<int>(draw(seed, i) % (2 * limit + 1)) - static_cast<int>(limit));
    return values;
}

double largest(const Values& values)
{
    double size = 0;
    for(double value : values)
        size = std::max(size, std::fabs(value));
    return size;
}

std::size_t volume(const std::vector<int>& lengths)
{
    std::size_t count = 1;
    for(int length : lengths)
        count *= static_cast<std::size_t>(length);
    return count;
}
