// SPDX-License-Identifier: MIT
//
// Batch normalisation. The parameters are fp32 whatever the images are: that is what MIOpen derives, and what PyTorch uses.

#include <algorithm>
#include <cmath>

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

static const double epsilon = 1e-5, factor = 0.1;

// Each channel has its own mean and its own width, so that mixed up channels are seen.
static Values images(const NormShape& shape)
{
    Values values = spread(shape.count(), 1, 8, 1.0 / 4);
    for(std::size_t i = 0; i < values.size(); ++i)
    {
        const std::size_t channel = i / (std::size_t(shape.h) * shape.w) % std::size_t(shape.c);
        values[i] = values[i] * static_cast<double>(1 + channel % 2) + static_cast<double>(channel % 5) / 4 - 0.5;
    }
    return values;
}

// Inputs are whole numbers of quarters, so that a lane's sums of them, and of their squares, are exact. What rounds is the
// sum over lanes, a product with 1/population, and MIOpen's way to the variance, as the mean of squares less the square of the
// mean: 32 roundings of the largest that is met are allowed.
static double some(double size) { return 32 * rounding(Type::fp32) * size; }

// A result is rounded to its type on top of that, twice where it is computed in steps.
static double stored(Type type, double size) { return type == Type::fp32 ? 0 : 2 * rounding(type) * size; }

int batch_norm(Words& words)
{
    const std::string kind = words.one_of({"training", "inference", "backward"});
    const Type type = words.type();
    const bool spatial = words.one_of({"spatial", "per-activation"}) == "spatial";
    const std::vector<int> lengths = image(words);
    words.end();

    const NormShape shape{lengths[0], lengths[1], lengths[2], lengths[3], spatial};
    const std::vector<int> small = spatial ? std::vector<int>{1, shape.c, 1, 1} : std::vector<int>{1, shape.c, shape.h, shape.w};
    const miopenBatchNormMode_t mode = spatial ? miopenBNSpatial : miopenBNPerActivation;
    const auto population = static_cast<double>(shape.population());
    const std::size_t parameters = shape.parameters();
    const Values input = images(shape), scale = scattered(parameters, 2, 4, 1.0 / 4), bias = spread(parameters, 3, 8, 1.0 / 8);
    const Moments own = moments(shape, input);
    const Values inverse = nearest(Type::fp32, inverse_deviation(own.variance, epsilon));
    const Values mean = nearest(Type::fp32, own.mean);

    Session session;
    Tensor x(type, lengths, input), gamma(Type::fp32, small, scale), beta(Type::fp32, small, bias);
    Tensor result(type, lengths);
    // The calls want these as pointers to what may change.
    float one = 1, zero = 0;

    if(kind == "training")
    {
        const Values old_mean = spread(parameters, 4, 8, 1.0 / 4), old_variance = Values(parameters, 2.0);
        Values new_mean(parameters), new_variance(parameters);
        for(std::size_t i = 0; i < parameters; ++i)
        {
            // What is remembered is an estimate for all images, which divides by one value less.
            const double unbiased = population == 1 ? own.variance[i] : own.variance[i] * population / (population - 1);
            new_mean[i] = (1 - factor) * old_mean[i] + factor * own.mean[i];
            new_variance[i] = (1 - factor) * old_variance[i] + factor * unbiased;
        }
        const Values exact = inverse_deviation(own.variance, epsilon);
        const Values normal = batch_norm(shape, input, own.mean, exact, scale, bias);
        // An error of the variance reaches the inverse deviation by its slope, and both reach the output.
        const double x_size = largest(input), deep = largest(exact), variance_off = some(x_size * x_size);
        const double inverse_off = deep * deep * deep / 2 * variance_off + some(deep);
        const double output_off =
            largest(scale) * (2 * x_size * inverse_off + deep * some(x_size)) + some(largest(normal) + largest(bias));
        Tensor running_mean(Type::fp32, small), running_variance(Type::fp32, small);
        Tensor saved_mean(Type::fp32, small), saved_inverse(Type::fp32, small);
        Output outputs[] = {
            {"output", &result, normal, output_off + stored(type, largest(normal))},
            {"running mean", &running_mean, new_mean, some(x_size), old_mean},
            {"running variance", &running_variance, new_variance, variance_off, old_variance},
            {"saved mean", &saved_mean, own.mean, some(x_size)},
            {"saved inverse deviation", &saved_inverse, exact, inverse_off},
        };
        Run run{"training", {}, {&x, &gamma, &beta}};
        for(Output& output : outputs)
            run.outputs.push_back(&output);
        session.run(run, [&] {
            CALL(miopenBatchNormalizationForwardTraining, session.handle, mode, &one, &zero, x.descriptor, x.place(),
                 result.descriptor, result.place(), gamma.descriptor, gamma.place(), beta.place(), factor,
                 running_mean.place(), running_variance.place(), epsilon, saved_mean.place(), saved_inverse.place());
        });
    }
    else if(kind == "inference")
    {
        // Estimates that are not this image's own.
        const Values estimate = spread(parameters, 4, 8, 1.0 / 4), variance = scattered(parameters, 5, 8, 1.0 / 4);
        Values positive(parameters);
        for(std::size_t i = 0; i < parameters; ++i)
            positive[i] = std::fabs(variance[i]);
        const Values want = batch_norm(shape, input, estimate, inverse_deviation(positive, epsilon), scale, bias);
        Tensor estimated_mean(Type::fp32, small, estimate), estimated_variance(Type::fp32, small, positive);
        Output output{"output", &result, want, some(largest(want) + largest(bias)) + stored(type, largest(want))};
        session.run({"inference", {&output}, {&x, &gamma, &beta, &estimated_mean, &estimated_variance}}, [&] {
            CALL(miopenBatchNormalizationForwardInference, session.handle, mode, &one, &zero, x.descriptor, x.place(),
                 result.descriptor, result.place(), gamma.descriptor, gamma.place(), beta.place(), estimated_mean.place(),
                 estimated_variance.place(), epsilon);
        });
    }
    else
    {
        const Values gradient = spread(shape.count(), 6, 4, 1.0 / 4);
        const NormGradients want = batch_norm_backward(shape, input, gradient, mean, inverse, scale);
        Tensor dy(type, lengths, gradient), saved_mean(Type::fp32, small, mean), saved_inverse(Type::fp32, small, inverse);
        Tensor scale_gradient(Type::fp32, small), bias_gradient(Type::fp32, small);
        // Normalised values go up to four or so, gradients to one. Sums of their products round at each step: those errors
        // walk, and 4 roundings for each value are far above that and far below one value.
        const double walk = std::max(some(4), population * 4 * rounding(Type::fp32));
        const double input_size = 4 * largest(scale) * largest(inverse);
        Output outputs[] = {
            {"gradient of the input", &result, want.input, some(input_size) + stored(type, largest(want.input))},
            {"gradient of the scale", &scale_gradient, want.scale, walk},
            {"gradient of the bias", &bias_gradient, want.bias, walk},
        };
        Run run{"backward", {}, {&x, &dy, &gamma, &saved_mean, &saved_inverse}};
        for(Output& output : outputs)
            run.outputs.push_back(&output);
        session.run(run, [&] {
            CALL(miopenBatchNormalizationBackward, session.handle, mode, &one, &zero, &one, &zero, x.descriptor, x.place(),
                 dy.descriptor, dy.place(), result.descriptor, result.place(), gamma.descriptor, gamma.place(),
                 scale_gradient.place(), bias_gradient.place(), epsilon, saved_mean.place(), saved_inverse.place());
        });
    }
    return session.end();
}
