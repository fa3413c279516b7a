// SPDX-License-Identifier: MIT
//
// Pooling over squares.

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

namespace {

struct Pooling
{
    Pooling(const PoolingShape& s)
    {
        CALL(miopenCreatePoolingDescriptor, &descriptor);
        CALL(miopenSet2dPoolingDescriptor, descriptor, s.maximum ? miopenPoolingMax : miopenPoolingAverage, s.window,
             s.window, s.pad, s.pad, s.stride, s.stride);
    }
    ~Pooling() { (void)miopenDestroyPoolingDescriptor(descriptor); }
    Pooling(const Pooling&) = delete;
    Pooling& operator=(const Pooling&) = delete;

    miopenPoolingDescriptor_t descriptor = nullptr;
};

// No two values of a window are equal, so that the place of its maximum is certain: 64 values in another order for each
// channel, over and over, by a factor that is odd.
Values images(const PoolingShape& s)
{
    Values values;
    for(int image = 0; image < s.n * s.c; ++image)
        for(int h = 0; h < s.h; ++h)
            for(int w = 0; w < s.w; ++w)
                values.push_back((((h % 8 * 8 + w % 8) * 29 + image * 7) % 64 - 32) / 8.0);
    return values;
}

} // namespace

int pooling(Words& words)
{
    const bool forward = words.one_of({"forward", "backward"}) == "forward";
    const bool maximum = words.one_of({"maximum", "average"}) == "maximum";
    const Type type = words.type();
    const std::vector<int> lengths = image(words);
    PoolingShape s{lengths[0], lengths[1], lengths[2], lengths[3], 0, 0, 0, maximum};
    s.window = words.number("window");
    s.stride = words.number("stride");
    s.pad = words.number_or("pad", 0);
    words.end();
    if(s.window > 8 || 2 * s.pad > s.window || s.window > s.h + 2 * s.pad || s.window > s.w + 2 * s.pad)
        throw Usage{"a window of at most 8 is expected, inside of the padded image, and padding of at most half of it"};

    const std::vector<int> small = {s.n, s.c, s.out_h(), s.out_w()};
    const Values input = images(s), pooled = pooling_forward(s, input);
    const Values gradient = spread(volume(small), 2, 8, 1.0 / 8);

    Session session;
    const Pooling pooling(s);
    const float one = 1, zero = 0;
    Tensor x(type, lengths, input), y(type, small);
    const auto bytes = [&] {
        std::size_t size = 0;
        CALL(miopenPoolingGetWorkSpaceSizeV2, pooling.descriptor, y.descriptor, &size);
        return size;
    };
    const auto ahead = [&](const Memory& workspace, bool remember) {
        CALL(miopenPoolingForward, session.handle, pooling.descriptor, &one, x.descriptor, x.place(), &zero, y.descriptor,
             y.place(), remember, workspace.place(), workspace.bytes());
    };
    // A maximum is a copy. A mean is a sum of quarters times 1/count: two roundings, and that of the result.
    if(forward)
    {
        Output output{"output", &y, pooled, maximum ? 0 : 4 * rounding(type) * largest(pooled)};
        session.run({"forward", {&output}, {&x}}, bytes, [&](const Memory& workspace) { ahead(workspace, false); });
    }
    else
    {
        const Values want = pooling_backward(s, input, gradient);
        Tensor dy(type, small, gradient), dx(type, lengths);
        // Windows overlap: up to window² gradients meet at one place, each divided, each a rounding.
        const double met = static_cast<double>(s.window) * s.window;
        Output output{"output", &dx, want, (maximum ? 1 : met + 4) * rounding(type) * largest(want)};
        // Backward needs the workspace that forward left behind, where the places of the maxima are.
        session.run({"backward", {&output}, {&x, &dy}}, bytes, [&](const Memory& workspace) {
            ahead(workspace, true);
            CALL(miopenPoolingBackward, session.handle, pooling.descriptor, &one, y.descriptor, y.place(), dy.descriptor,
                 dy.place(), x.descriptor, x.place(), &zero, dx.descriptor, dx.place(), workspace.place());
        });
    }
    return session.end();
}
