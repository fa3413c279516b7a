// SPDX-License-Identifier: MIT
//
// The common parts of convolutions.

#include "convolution.hpp"

#include <algorithm>

Convolution::Convolution(const ConvolutionShape& shape)
{
    CALL(miopenCreateConvolutionDescriptor, &descriptor);
    CALL(miopenInitConvolutionDescriptor, descriptor, miopenConvolution, shape.pad, shape.pad, shape.stride, shape.stride,
         shape.dilation, shape.dilation);
    if(shape.groups > 1)
        CALL(miopenSetConvolutionGroupCount, descriptor, shape.groups);
}

Convolution::~Convolution() { (void)miopenDestroyConvolutionDescriptor(descriptor); }

ConvolutionShape convolution_shape(Words& words)
{
    ConvolutionShape s;
    s.n = words.number("n");
    s.c = words.number("c");
    s.h = words.number("h");
    s.w = words.number("w");
    s.k = words.number("k");
    s.y = words.number("y");
    s.x = words.number("x");
    s.pad = words.number_or("pad", 0);
    s.stride = words.number_or("stride", 1, 1);
    s.dilation = words.number_or("dilation", 1, 1);
    s.groups = words.number_or("groups", 1, 1);
    if(s.c % s.groups != 0 || s.k % s.groups != 0)
        throw Usage{"groups= must divide c= and k="};
    if((s.y - 1) * s.dilation >= s.h + 2 * s.pad || (s.x - 1) * s.dilation >= s.w + 2 * s.pad)
        throw Usage{"the filter is larger than the padded image"};
    return s;
}

Values convolution_images(std::size_t count) { return scattered(count, 1, 3, 1.0 / 4); }
Values convolution_filters(std::size_t count) { return scattered(count, 2, 2, 1.0 / 4); }

// Each product is a whole number of sixteenths, at least one and at most six of them: sums of 2.8 million are exact in fp32,
// in whatever order.
//
// fp32: GEMM and direct convolutions must be exact. So must MIOpen's RxS kernels for Winograd, F(2,3) and F(3,2): they
// transform by halves and sums, which takes some bits more, and there are enough. FFT and larger Winograds round, by some
// 2^-24 of the products' sizes summed up. 64 times that is allowed, but never more than half of the smallest product: a
// single product too few or too many is always seen.
//
// fp16: the result is rounded once. Partial ones may be, too: columns that are summed up to an image, images that are summed
// up to a gradient of the weights. Such roundings do not add up, they walk: 8 of them, of the largest result, are allowed. A
// single product may hide in that.
double convolution_tolerance(Type type, std::size_t products, const Values& want)
{
    if(type == Type::fp16)
        return 8 * rounding(type) * largest(want);
    const double size = static_cast<double>(products) * 6 / 16;
    return std::min(64 * rounding(type) * size, 1.0 / 32);
}
