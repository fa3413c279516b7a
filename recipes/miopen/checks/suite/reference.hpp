// SPDX-License-Identifier: MIT
//
// What the primitives mean, computed in double on the host, as plainly as possible. Nothing here knows HIP or MIOpen.

#pragma once

#include <string>
#include <vector>

#include "number.hpp"

struct ConvolutionShape
{
    int n, c, h, w, k, y, x, pad, stride, dilation, groups;

    int out_h() const { return (h + 2 * pad - ((y - 1) * dilation + 1)) / stride + 1; }
    int out_w() const { return (w + 2 * pad - ((x - 1) * dilation + 1)) / stride + 1; }
    std::vector<int> input() const { return {n, c, h, w}; }
    std::vector<int> filter() const { return {k, c / groups, y, x}; }
    std::vector<int> output() const { return {n, k, out_h(), out_w()}; }
};

Values convolution_forward(const ConvolutionShape& shape, const Values& input, const Values& filter);
Values convolution_backward_data(const ConvolutionShape& shape, const Values& output, const Values& filter);
Values convolution_backward_weights(const ConvolutionShape& shape, const Values& output, const Values& input);

struct NormShape
{
    int n, c, h, w;
    // One mean for a channel, or one for each place of it.
    bool spatial;

    std::size_t count() const { return std::size_t(n) * c * h * w; }
    std::size_t parameters() const { return spatial ? std::size_t(c) : std::size_t(c) * h * w; }
    // How many values one mean is of.
    std::size_t population() const { return count() / parameters(); }
    std::size_t parameter(std::size_t i) const
    {
        return spatial ? i / (std::size_t(h) * w) % std::size_t(c) : i % parameters();
    }
};

struct Moments
{
    Values mean, variance;
};

Moments moments(const NormShape& shape, const Values& input);
Values inverse_deviation(const Values& variance, double epsilon);
Values batch_norm(const NormShape& shape, const Values& input, const Values& mean, const Values& inverse,
                  const Values& scale, const Values& bias);

struct NormGradients
{
    Values input, scale, bias;
};

NormGradients batch_norm_backward(const NormShape& shape, const Values& input, const Values& gradient,
                                  const Values& mean, const Values& inverse, const Values& scale);

struct PoolingShape
{
    int n, c, h, w, window, stride, pad;
    bool maximum;

    int out_h() const { return (h + 2 * pad - window) / stride + 1; }
    int out_w() const { return (w + 2 * pad - window) / stride + 1; }
};

// The mean is that of the values inside of the image: padding does not count.
Values pooling_forward(const PoolingShape& shape, const Values& input);
Values pooling_backward(const PoolingShape& shape, const Values& input, const Values& gradient);

// Over the channels, at each place of each image.
Values softmax_forward(const std::vector<int>& lengths, const Values& input);
Values softmax_backward(const std::vector<int>& lengths, const Values& output, const Values& gradient);

enum class Activation
{
    relu,
    tanh,
    logistic,
};

double activate(Activation activation, double value);
// The slope, told from the activated value.
double slope(Activation activation, double activated);

enum class Reduction
{
    sum,
    mean,
    maximum,
};

// Over each dimension that has the length 1 in `into`.
Values reduce(Reduction reduction, const std::vector<int>& from, const std::vector<int>& into, const Values& input);

enum class Cell
{
    relu,
    tanh,
    lstm,
    gru,
};

struct RecurrentShape
{
    Cell cell;
    int steps, batch, input, hidden;

    int gates() const { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }
};

// One matrix and one bias for each gate and side, row by row. Gates of an LSTM: input, forget, output, new; of a GRU:
// update, reset, new.
struct RecurrentParameters
{
    std::vector<Values> from_input, from_hidden, input_bias, hidden_bias;
};

struct RecurrentResult
{
    Values output, hidden, memory;
};

RecurrentResult recurrent(const RecurrentShape& shape, const RecurrentParameters& parameters, const Values& input,
                          const Values& hidden, const Values& memory);
