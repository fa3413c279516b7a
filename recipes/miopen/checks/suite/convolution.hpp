// SPDX-License-Identifier: MIT
//
// What every convolution of the suite has in common: its words, its numbers, its bound.

#pragma once

#include "device.hpp"
#include "reference.hpp"
#include "words.hpp"

// Reads n=, c=, h=, w=, k=, y=, x=, pad=, stride=, dilation= and groups=.
ConvolutionShape convolution_shape(Words& words);

// Inputs are whole numbers of quarters up to 3/4, filters up to 2/4, none of them zero.
Values convolution_images(std::size_t count);
Values convolution_filters(std::size_t count);

// How far from `want` a result may be that sums up so many products of an image and a filter.
double convolution_tolerance(Type type, std::size_t products, const Values& want);

// MIOpen's descriptor of it.
class Convolution
{
public:
    explicit Convolution(const ConvolutionShape& shape);
    ~Convolution();
    Convolution(const Convolution&) = delete;
    Convolution& operator=(const Convolution&) = delete;

    miopenConvolutionDescriptor_t descriptor = nullptr;
};
