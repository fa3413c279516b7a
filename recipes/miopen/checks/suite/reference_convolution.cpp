// SPDX-License-Identifier: MIT
//
// Convolution by its definition. All three directions walk over the same triples of input, filter and output; they differ in
// which of them is written.

#include "reference.hpp"

#include <algorithm>

// A run of triples along a row of the output: `count` outputs from `output` on, each with the input `step` after the one before
// it, all with one value of the filter.
struct Row
{
    std::size_t input, filter, output, count, step;
};

template <class Visit>
static void each_row(const ConvolutionShape& s, Visit visit)
{
    const int c_group = s.c / s.groups, k_group = s.k / s.groups, out_h = s.out_h(), out_w = s.out_w();
    for(int n = 0; n < s.n; ++n)
        for(int k = 0; k < s.k; ++k)
            for(int c = 0; c < c_group; ++c)
                for(int y = 0; y < s.y; ++y)
                    for(int x = 0; x < s.x; ++x)
                        for(int oh = 0; oh < out_h; ++oh)
                        {
                            const int ih = oh * s.stride - s.pad + y * s.dilation;
                            if(ih < 0 || ih >= s.h)
                                continue;
                            // The outputs whose input is not in the padding.
                            const int shift = x * s.dilation - s.pad;
                            int first = 0, end = out_w;
                            while(first < end && first * s.stride + shift < 0)
                                ++first;
                            while(end > first && (end - 1) * s.stride + shift >= s.w)
                                --end;
                            const int in_c = k / k_group * c_group + c;
                            Row row;
                            row.input = ((std::size_t(n) * s.c + in_c) * s.h + ih) * s.w + first * s.stride + shift;
                            row.filter = ((std::size_t(k) * c_group + c) * s.y + y) * s.x + x;
                            row.output = ((std::size_t(n) * s.k + k) * out_h + oh) * out_w + first;
                            row.count = static_cast<std::size_t>(end - first);
                            row.step = static_cast<std::size_t>(s.stride);
                            if(row.count > 0)
                                visit(row);
                        }
}

Values convolution_forward(const ConvolutionShape& shape, const Values& input, const Values& filter)
{
    Values output(volume(shape.output()));
    each_row(shape, [&](const Row& row) {
        for(std::size_t i = 0; i < row.count; ++i)
            output[row.output + i] += input[row.input + i * row.step] * filter[row.filter];
    });
    return output;
}

Values convolution_backward_data(const ConvolutionShape& shape, const Values& output, const Values& filter)
{
    Values input(volume(shape.input()));
    each_row(shape, [&](const Row& row) {
        for(std::size_t i = 0; i < row.count; ++i)
            input[row.input + i * row.step] += output[row.output + i] * filter[row.filter];
    });
    return input;
}

Values convolution_backward_weights(const ConvolutionShape& shape, const Values& output, const Values& input)
{
    Values filter(volume(shape.filter()));
    each_row(shape, [&](const Row& row) {
        double sum = 0;
        for(std::size_t i = 0; i < row.count; ++i)
            sum += output[row.output + i] * input[row.input + i * row.step];
        filter[row.filter] += sum;
    });
    return filter;
}
