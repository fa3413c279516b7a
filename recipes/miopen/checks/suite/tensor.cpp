// SPDX-License-Identifier: MIT
//
// Sums of two tensors: of the same shape, and of one value for each channel, which is how MIOpen adds a bias.

#include "operations.hpp"
#include "session.hpp"

int tensor(Words& words)
{
    words.one_of({"add"});
    const Type type = words.type();
    const std::vector<int> lengths = image(words);
    words.end();

    const std::vector<int> channel = {1, lengths[1], 1, 1};
    const std::size_t area = static_cast<std::size_t>(lengths[2]) * static_cast<std::size_t>(lengths[3]);
    const Values first = spread(volume(lengths), 1, 64, 1.0 / 8), second = spread(volume(lengths), 2, 64, 1.0 / 8);
    const Values bias = spread(volume(channel), 3, 64, 1.0 / 8);
    Values sum = first, biased = first;
    for(std::size_t i = 0; i < sum.size(); ++i)
    {
        sum[i] += second[i];
        biased[i] += bias[i / area % bias.size()];
    }

    Session session;
    const float one = 1, zero = 0;
    Tensor a(type, lengths, first), b(type, lengths, second), c(type, channel, bias), result(type, lengths);
    // Whole numbers of eighths up to sixteen are exact in both types.
    Output same{"output", &result, sum, 0}, one_each{"output", &result, biased, 0};
    const auto add = [&](const Tensor& other) {
        CALL(miopenOpTensor, session.handle, miopenTensorOpAdd, &one, a.descriptor, a.place(), &one, other.descriptor,
             other.place(), &zero, result.descriptor, result.place());
    };
    session.run({"add", {&same}, {&a, &b}}, [&] { add(b); });
    session.run({"add a value for each channel", {&one_each}, {&a, &c}}, [&] { add(c); });
    return session.end();
}
