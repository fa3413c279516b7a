// SPDX-License-Identifier: MIT
//
// Softmax over the channels, by the algorithm that subtracts the maximum.

#include <cmath>

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

// MIOpen sums the channels up in the images' own type: such errors walk with the number of channels, and 2 * sqrt(channels)
// roundings are allowed for them, 32 for exponential and quotient, of the largest result.
static double tolerance(Type type, int channels, const Values& want)
{
    return rounding(type) * (32 + 2 * std::sqrt(channels)) * largest(want);
}

int softmax(Words& words)
{
    const bool forward = words.one_of({"forward", "backward"}) == "forward";
    const Type type = words.type();
    const std::vector<int> lengths = image(words);
    words.end();

    const Values input = spread(volume(lengths), 1, 8, 1.0 / 4);
    // Backward starts from what can be held of forward's result.
    const Values exact = softmax_forward(lengths, input), output = nearest(type, exact);
    const Values gradient = spread(volume(lengths), 2, 8, 1.0 / 8);

    Session session;
    const float one = 1, zero = 0;
    Tensor result(type, lengths);
    if(forward)
    {
        Tensor x(type, lengths, input);
        Output out{"output", &result, exact, tolerance(type, lengths[1], exact)};
        session.run({"forward", {&out}, {&x}}, [&] {
            CALL(miopenSoftmaxForward_V2, session.handle, &one, x.descriptor, x.place(), &zero, result.descriptor,
                 result.place(), MIOPEN_SOFTMAX_ACCURATE, MIOPEN_SOFTMAX_MODE_CHANNEL);
        });
    }
    else
    {
        Tensor y(type, lengths, output), dy(type, lengths, gradient);
        Output out{"output", &result, softmax_backward(lengths, output, gradient), tolerance(type, lengths[1], output)};
        session.run({"backward", {&out}, {&y, &dy}}, [&] {
            CALL(miopenSoftmaxBackward_V2, session.handle, &one, y.descriptor, y.place(), dy.descriptor, dy.place(), &zero,
                 result.descriptor, result.place(), MIOPEN_SOFTMAX_ACCURATE, MIOPEN_SOFTMAX_MODE_CHANNEL);
        });
    }
    return session.end();
}
