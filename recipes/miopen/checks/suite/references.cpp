// SPDX-License-Identifier: MIT
//
// Checks of the references themselves, where there is no GPU. What is expected was computed by hand, or follows from a law that
// the reference does not use: the two sides of an adjoint, a derivative taken numerically, a case that collapses.

#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "operations.hpp"

static bool all_right;

static void compare(const char* what, const Values& got, const Values& want, double tolerance)
{
    std::printf("run: %s\n", what);
    double error = 0;
    std::size_t off = 0, first = 0;
    for(std::size_t i = 0; i < got.size() && i < want.size(); ++i)
    {
        const double distance = got[i] == want[i] ? 0 : std::fabs(got[i] - want[i]);
        if(!(distance <= tolerance) && off++ == 0)
            first = i;
        error = std::max(error, distance);
    }
    const bool right = off == 0 && got.size() == want.size() && !got.empty();
    all_right = all_right && right;
    if(right)
        std::printf("right: %s: largest error %.9g of %.9g\n", what, error, tolerance);
    else if(off == 0)
        std::printf("wrong: %s: %zu values instead of %zu\n", what, got.size(), want.size());
    else
        std::printf("wrong: %s: %zu of %zu values, 0 unwritten, first at %zu: %.9g instead of %.9g\n", what, off,
                    got.size(), first, got[first], want[first]);
    std::fflush(stdout);
}

static double dot(const Values& a, const Values& b)
{
    double sum = 0;
    for(std::size_t i = 0; i < a.size(); ++i)
        sum += a[i] * b[i];
    return sum;
}

// The derivative of <function(x), weights> by each value of x, by central differences.
static Values differences(const std::function<Values(const Values&)>& function, Values x, const Values& weights)
{
    const double step = 1e-5;
    Values result(x.size());
    for(std::size_t i = 0; i < x.size(); ++i)
    {
        const double there = x[i];
        x[i] = there + step;
        const double above = dot(function(x), weights);
        x[i] = there - step;
        result[i] = (above - dot(function(x), weights)) / (2 * step);
        x[i] = there;
    }
    return result;
}

static void numbers()
{
    compare("fp16, encoded and back", decode(Type::fp16, encode(Type::fp16, {1, -2, 65504, 0x1p-24, 0.1, 2049, 2051, 1e6, 0})),
            {1, -2, 65504, 0x1p-24, 0.0999755859375, 2048, 2052, INFINITY, 0}, 0);
    const Bytes bytes = encode(Type::fp16, {1, -2, 0.5, 0x1p-15});
    compare("fp16, bytes", Values(bytes.begin(), bytes.end()), {0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0x02}, 0);
}

static void convolutions()
{
    // Ones by ones count the places of the filter inside of the image: 4 in a corner, 6 at an edge, 9 in the middle.
    const ConvolutionShape ones{1, 1, 3, 3, 1, 3, 3, 1, 1, 1, 1};
    compare("convolution of ones", convolution_forward(ones, Values(9, 1), Values(9, 1)), {4, 6, 4, 6, 9, 6, 4, 6, 4}, 0);
    // Every second place, the filter's two values two apart: 1 + 30, 3 + 50.
    const ConvolutionShape row{1, 1, 1, 6, 1, 1, 2, 0, 2, 2, 1};
    compare("convolution with stride and dilation", convolution_forward(row, {1, 2, 3, 4, 5, 6}, {1, 10}), {31, 53}, 0);
    // Two groups: the second output sees the second input only.
    const ConvolutionShape groups{1, 2, 1, 2, 2, 1, 1, 0, 1, 1, 2};
    compare("convolution in groups", convolution_forward(groups, {1, 2, 3, 4}, {10, 100}), {10, 20, 300, 400}, 0);

    for(const ConvolutionShape& s : {ConvolutionShape{2, 4, 7, 9, 6, 3, 2, 1, 2, 1, 2}, {1, 1, 64, 8, 3, 64, 1, 0, 1, 1, 1},
                                     {2, 3, 8, 8, 4, 3, 3, 2, 1, 2, 1}, {1, 2, 5, 5, 2, 1, 1, 0, 2, 1, 1}})
    {
        const Values x = scattered(volume(s.input()), 1, 3, 0.25), w = scattered(volume(s.filter()), 2, 2, 0.25);
        const Values y = scattered(volume(s.output()), 3, 3, 0.25);
        const double forward = dot(convolution_forward(s, x, w), y);
        compare("convolution backward data, adjoint", {dot(x, convolution_backward_data(s, y, w))}, {forward}, 1e-9);
        compare("convolution backward weights, adjoint", {dot(w, convolution_backward_weights(s, y, x))}, {forward}, 1e-9);
    }
}

static void norms()
{
    // One channel of 1 3 5 7: mean 4, variance 5. Another of the same value: variance 0.
    const NormShape spatial{2, 2, 1, 2, true};
    const Values x = {1, 3, 2, 2, 5, 7, 2, 2};
    const Moments m = moments(spatial, x);
    compare("mean of a channel", m.mean, {4, 2}, 1e-12);
    compare("variance of a channel", m.variance, {5, 0}, 1e-12);
    const NormShape each{2, 2, 1, 2, false};
    compare("mean of each place", moments(each, x).mean, {3, 5, 2, 2}, 1e-12);
    compare("normalised", batch_norm(spatial, x, m.mean, inverse_deviation(m.variance, 1e-6), {2, 1}, {1, 7}),
            {1 - 6 / std::sqrt(5), 1 - 2 / std::sqrt(5), 7, 7, 1 + 2 / std::sqrt(5), 1 + 6 / std::sqrt(5), 7, 7}, 1e-5);

    for(const bool is_spatial : {true, false})
    {
        const NormShape s{3, 2, 2, 2, is_spatial};
        const double epsilon = 0.1;
        const Values input = scattered(s.count(), 1, 8, 0.25), gradient = scattered(s.count(), 2, 8, 0.25);
        const Values scale = scattered(s.parameters(), 3, 4, 0.25), bias = scattered(s.parameters(), 4, 4, 0.25);
        const auto norm = [&](const Values& x, const Values& scale, const Values& bias) {
            const Moments m = moments(s, x);
            return batch_norm(s, x, m.mean, inverse_deviation(m.variance, epsilon), scale, bias);
        };
        const Moments m = moments(s, input);
        const NormGradients got =
            batch_norm_backward(s, input, gradient, m.mean, inverse_deviation(m.variance, epsilon), scale);
        compare("batch norm backward, input",
                got.input, differences([&](const Values& x) { return norm(x, scale, bias); }, input, gradient), 1e-6);
        compare("batch norm backward, scale",
                got.scale, differences([&](const Values& x) { return norm(input, x, bias); }, scale, gradient), 1e-6);
        compare("batch norm backward, bias",
                got.bias, differences([&](const Values& x) { return norm(input, scale, x); }, bias, gradient), 1e-6);
    }
}

static void layers()
{
    const Values image = {1, 9, 3, 4, 2, 6, 7, 8, 5};
    compare("maximum of windows", pooling_forward({1, 1, 3, 3, 2, 1, 0, true}, image), {9, 9, 8, 8}, 0);
    compare("mean of windows, padded", pooling_forward({1, 1, 3, 3, 2, 2, 1, false}, image), {1, 6, 5.5, 5.25}, 1e-12);
    compare("maximum of windows, backward", pooling_backward({1, 1, 3, 3, 2, 1, 0, true}, image, {1, 2, 4, 8}),
            {0, 3, 0, 0, 0, 0, 0, 12, 0}, 0);
    for(const bool maximum : {true, false})
    {
        const PoolingShape s{2, 2, 5, 6, 3, 2, 1, maximum};
        const Values x = scattered(120, 1, 1000, 0.25), dy = scattered(2 * 2 * 3 * 3, 2, 8, 0.25);
        compare("pooling backward", pooling_backward(s, x, dy),
                differences([&](const Values& x) { return pooling_forward(s, x); }, x, dy), 1e-6);
    }

    const Values thirds = softmax_forward({1, 2, 1, 2}, {0, 5, std::log(2), 5});
    compare("softmax of 0 and ln 2", thirds, {1.0 / 3, 0.5, 2.0 / 3, 0.5}, 1e-12);
    const std::vector<int> lengths = {2, 4, 1, 3};
    const Values x = scattered(24, 1, 8, 0.25), dy = scattered(24, 2, 8, 0.25);
    compare("softmax backward", softmax_backward(lengths, softmax_forward(lengths, x), dy),
            differences([&](const Values& x) { return softmax_forward(lengths, x); }, x, dy), 1e-6);

    for(const Activation kind : {Activation::relu, Activation::tanh, Activation::logistic})
    {
        const auto all = [&](Values values) {
            for(double& value : values)
                value = activate(kind, value);
            return values;
        };
        Values got = all(x);
        for(std::size_t i = 0; i < got.size(); ++i)
            got[i] = dy[i] * slope(kind, got[i]);
        compare("slope of an activation", got, differences(all, x, dy), 1e-6);
    }
    compare("activations", {activate(Activation::relu, -1), activate(Activation::tanh, 1), activate(Activation::logistic, 1)},
            {0, 0.761594155955765, 0.731058578630005}, 1e-12);

    const std::vector<int> from = {2, 1, 2, 2};
    const Values eight = {1, 2, 3, 4, 5, 6, 7, 8};
    compare("sum over images and rows", reduce(Reduction::sum, from, {1, 1, 1, 2}, eight), {16, 20}, 0);
    compare("mean over columns", reduce(Reduction::mean, from, {2, 1, 2, 1}, eight), {1.5, 3.5, 5.5, 7.5}, 0);
    compare("maximum of everything", reduce(Reduction::maximum, from, {1, 1, 1, 1}, eight), {8}, 0);
}

static void recurrences()
{
    // Without weights every gate is one half: an LSTM halves its memory at each step, a GRU its state.
    const auto zeros = [](std::size_t gates) {
        const std::vector<Values> none(gates, Values()), matrix(gates, Values(1, 0.0));
        return RecurrentParameters{matrix, matrix, none, none};
    };
    const double t = std::tanh(0.5) / 2, u = std::tanh(0.25) / 2;
    const RecurrentResult lstm = recurrent({Cell::lstm, 2, 1, 1, 1}, zeros(4), {3, 4}, {5}, {1});
    compare("lstm without weights", {lstm.output[0], lstm.output[1], lstm.hidden[0], lstm.memory[0]}, {t, u, u, 0.25}, 1e-12);
    compare("gru without weights", recurrent({Cell::gru, 2, 1, 1, 1}, zeros(3), {3, 4}, {8}, {}).output, {4, 2}, 1e-12);

    // By hand: a sum of 2*1 + 3*2 - 1 + 0.5, then one of 2*(-4) + 3*7.5 - 0.5.
    const RecurrentParameters plain{{{2}}, {{3}}, {{-1}}, {{0.5}}};
    compare("relu, two steps", recurrent({Cell::relu, 2, 1, 1, 1}, plain, {1, -4}, {2}, {}).output, {7.5, 14}, 1e-12);
    compare("tanh, one step", recurrent({Cell::tanh, 1, 1, 1, 1}, plain, {-0.5}, {0.25}, {}).output, {std::tanh(-0.75)}, 1e-12);

    // Two sequences side by side: matrices times (1 0 -1) and (0 1 0), plus the states (1 2) and (3 4) with their halves swapped.
    const RecurrentParameters wide{{{1, 2, 3, 4, 5, 6}}, {{0, 1, 1, 0}}, {{}}, {{}}};
    compare("relu, matrices and batch", recurrent({Cell::relu, 1, 2, 3, 2}, wide, {1, 0, -1, 0, 1, 0}, {1, 2, 3, 4}, {}).output,
            {0, 0, 6, 8}, 1e-12);

    // Gates that are forced open or shut by their biases, so that each gate's part is seen alone.
    const double open = 50, shut = -50;
    const auto gates = [](const Values& biases, double weight) {
        RecurrentParameters p;
        for(std::size_t i = 0; i < biases.size(); ++i)
        {
            p.from_input.push_back({i + 1 == biases.size() ? weight : 0});
            p.from_hidden.push_back({0});
            p.input_bias.push_back({biases[i]});
            p.hidden_bias.push_back({0});
        }
        return p;
    };
    const auto memory = [&](const Values& biases) {
        return recurrent({Cell::lstm, 1, 1, 1, 1}, gates(biases, 1), {0.5}, {0}, {0.75}).memory;
    };
    compare("lstm, only the input gate open", memory({open, shut, open, 0}), {std::tanh(0.5)}, 1e-12);
    compare("lstm, only the forget gate open", memory({shut, open, open, 0}), {0.75}, 1e-12);
    compare("lstm, output gate shut",
            recurrent({Cell::lstm, 1, 1, 1, 1}, gates({open, open, shut, 0}, 1), {0.5}, {0}, {0.75}).output, {0}, 1e-12);
    compare("gru, update gate shut", recurrent({Cell::gru, 1, 1, 1, 1}, gates({shut, 0, 0}, 1), {0.5}, {9}, {}).output,
            {std::tanh(0.5)}, 1e-12);
    compare("gru, update gate open", recurrent({Cell::gru, 1, 1, 1, 1}, gates({open, 0, 0}, 1), {0.5}, {9}, {}).output, {9},
            1e-12);
    // The reset gate shuts out the hidden side with its bias, and nothing of the input's.
    RecurrentParameters reset = gates({shut, shut, 0.25}, 1);
    reset.from_hidden[2] = {4};
    reset.hidden_bias[2] = {3};
    compare("gru, reset gate shut", recurrent({Cell::gru, 1, 1, 1, 1}, reset, {0.5}, {0.125}, {}).output, {std::tanh(0.75)},
            1e-12);
}

int references(Words& words)
{
    words.end();
    all_right = true;
    numbers();
    convolutions();
    norms();
    layers();
    recurrences();
    return all_right ? 0 : 1;
}
