// SPDX-License-Identifier: MIT
//
// Batch normalisation, pooling, softmax, activations and reductions by their definitions.

#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

Moments moments(const NormShape& shape, const Values& input)
{
    const auto population = static_cast<double>(shape.population());
    Moments result{Values(shape.parameters()), Values(shape.parameters())};
    for(std::size_t i = 0; i < input.size(); ++i)
        result.mean[shape.parameter(i)] += input[i] / population;
    for(std::size_t i = 0; i < input.size(); ++i)
    {
        const double distance = input[i] - result.mean[shape.parameter(i)];
        result.variance[shape.parameter(i)] += distance * distance / population;
    }
    return result;
}

Values inverse_deviation(const Values& variance, double epsilon)
{
    Values inverse(variance.size());
    for(std::size_t i = 0; i < variance.size(); ++i)
        inverse[i] = 1 / std::sqrt(variance[i] + epsilon);
    return inverse;
}

Values batch_norm(const NormShape& shape, const Values& input, const Values& mean, const Values& inverse,
                  const Values& scale, const Values& bias)
{
    Values output(input.size());
    for(std::size_t i = 0; i < input.size(); ++i)
    {
        const std::size_t p = shape.parameter(i);
        output[i] = scale[p] * (input[i] - mean[p]) * inverse[p] + bias[p];
    }
    return output;
}

NormGradients batch_norm_backward(const NormShape& shape, const Values& input, const Values& gradient,
                                  const Values& mean, const Values& inverse, const Values& scale)
{
    NormGradients result{Values(input.size()), Values(shape.parameters()), Values(shape.parameters())};
    for(std::size_t i = 0; i < input.size(); ++i)
    {
        const std::size_t p = shape.parameter(i);
        result.scale[p] += gradient[i] * (input[i] - mean[p]) * inverse[p];
        result.bias[p] += gradient[i];
    }
    const auto population = static_cast<double>(shape.population());
    for(std::size_t i = 0; i < input.size(); ++i)
    {
        const std::size_t p = shape.parameter(i);
        const double normal = (input[i] - mean[p]) * inverse[p];
        result.input[i] = scale[p] * inverse[p] *
                          (gradient[i] - result.bias[p] / population - normal * result.scale[p] / population);
    }
    return result;
}

// Visits each window with the output's place and the places of the inputs that are inside of the image.
template <class Visit>
static void each_window(const PoolingShape& s, Visit visit)
{
    std::vector<std::size_t> inside;
    std::size_t output = 0;
    for(int image = 0; image < s.n * s.c; ++image)
        for(int oh = 0; oh < s.out_h(); ++oh)
            for(int ow = 0; ow < s.out_w(); ++ow)
            {
                inside.clear();
                for(int h = oh * s.stride - s.pad; h < oh * s.stride - s.pad + s.window; ++h)
                    for(int w = ow * s.stride - s.pad; w < ow * s.stride - s.pad + s.window; ++w)
                        if(h >= 0 && h < s.h && w >= 0 && w < s.w)
                            inside.push_back((std::size_t(image) * s.h + h) * s.w + w);
                visit(output++, inside);
            }
}

static std::size_t highest(const Values& input, const std::vector<std::size_t>& places)
{
    return *std::max_element(places.begin(), places.end(),
                             [&](std::size_t a, std::size_t b) { return input[a] < input[b]; });
}

Values pooling_forward(const PoolingShape& shape, const Values& input)
{
    Values output(std::size_t(shape.n) * shape.c * shape.out_h() * shape.out_w());
    each_window(shape, [&](std::size_t place, const std::vector<std::size_t>& inside) {
        if(shape.maximum)
            output[place] = input[highest(input, inside)];
        else
            for(std::size_t i : inside)
                output[place] += input[i] / static_cast<double>(inside.size());
    });
    return output;
}

Values pooling_backward(const PoolingShape& shape, const Values& input, const Values& gradient)
{
    Values result(input.size());
    each_window(shape, [&](std::size_t place, const std::vector<std::size_t>& inside) {
        if(shape.maximum)
            result[highest(input, inside)] += gradient[place];
        else
            for(std::size_t i : inside)
                result[i] += gradient[place] / static_cast<double>(inside.size());
    });
    return result;
}

// Visits each place of each image with the places of its channels.
template <class Visit>
static void each_pixel(const std::vector<int>& lengths, Visit visit)
{
    const std::size_t area = std::size_t(lengths[2]) * lengths[3];
    std::vector<std::size_t> channels(static_cast<std::size_t>(lengths[1]));
    for(std::size_t n = 0; n < static_cast<std::size_t>(lengths[0]); ++n)
        for(std::size_t pixel = 0; pixel < area; ++pixel)
        {
            for(std::size_t c = 0; c < channels.size(); ++c)
                channels[c] = (n * channels.size() + c) * area + pixel;
            visit(channels);
        }
}

Values softmax_forward(const std::vector<int>& lengths, const Values& input)
{
    Values output(input.size());
    each_pixel(lengths, [&](const std::vector<std::size_t>& channels) {
        const double top = input[highest(input, channels)];
        double sum = 0;
        for(std::size_t i : channels)
            sum += output[i] = std::exp(input[i] - top);
        for(std::size_t i : channels)
            output[i] /= sum;
    });
    return output;
}

Values softmax_backward(const std::vector<int>& lengths, const Values& output, const Values& gradient)
{
    Values result(output.size());
    each_pixel(lengths, [&](const std::vector<std::size_t>& channels) {
        double sum = 0;
        for(std::size_t i : channels)
            sum += output[i] * gradient[i];
        for(std::size_t i : channels)
            result[i] = output[i] * (gradient[i] - sum);
    });
    return result;
}

double activate(Activation activation, double value)
{
    switch(activation)
    {
    case Activation::relu: return std::max(value, 0.0);
    case Activation::tanh: return std::tanh(value);
    case Activation::logistic: return 1 / (1 + std::exp(-value));
    }
    return std::numeric_limits<double>::quiet_NaN();
}

double slope(Activation activation, double activated)
{
    switch(activation)
    {
    case Activation::relu: return activated > 0 ? 1 : 0;
    case Activation::tanh: return 1 - activated * activated;
    case Activation::logistic: return activated * (1 - activated);
    }
    return std::numeric_limits<double>::quiet_NaN();
}

Values reduce(Reduction reduction, const std::vector<int>& from, const std::vector<int>& into, const Values& input)
{
    const std::size_t count = volume(into);
    const auto population = static_cast<double>(input.size() / count);
    const bool maximum = reduction == Reduction::maximum;
    Values output(count, maximum ? -std::numeric_limits<double>::infinity() : 0);
    for(std::size_t i = 0; i < input.size(); ++i)
    {
        std::size_t rest = i, place = 0, step = 1;
        for(std::size_t d = from.size(); d-- > 0;)
        {
            if(into[d] != 1)
                place += rest % static_cast<std::size_t>(from[d]) * step;
            rest /= static_cast<std::size_t>(from[d]);
            step *= static_cast<std::size_t>(into[d]);
        }
        output[place] = maximum ? std::max(output[place], input[i]) : output[place] + input[i];
    }
    if(reduction == Reduction::mean)
        for(double& value : output)
            value /= population;
    return output;
}
