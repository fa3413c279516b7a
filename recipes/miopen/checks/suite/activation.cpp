// SPDX-License-Identifier: MIT
//
// Activations of single values.

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

int activation(Words& words)
{
    const bool forward = words.one_of({"forward", "backward"}) == "forward";
    const std::string name = words.one_of({"relu", "tanh", "logistic"});
    const Type type = words.type();
    const std::vector<int> lengths = image(words);
    words.end();

    const Activation kind = name == "relu" ? Activation::relu : name == "tanh" ? Activation::tanh : Activation::logistic;
    const miopenActivationMode_t mode = name == "relu"   ? miopenActivationRELU
                                        : name == "tanh" ? miopenActivationTANH
                                                         : miopenActivationLOGISTIC;
    // Zero has no slope that everybody agrees on.
    const Values input = scattered(volume(lengths), 1, 32, 1.0 / 8), gradient = spread(volume(lengths), 2, 8, 1.0 / 8);
    Values exact = input;
    for(double& value : exact)
        value = activate(kind, value);
    const Values output = nearest(type, exact);
    Values want = gradient;
    for(std::size_t i = 0; i < want.size(); ++i)
        want[i] *= slope(kind, output[i]);
    // A rectifier copies. The others take an exponential and a quotient, in the images' own type, of results up to one.
    const double tolerance = kind == Activation::relu ? 0 : 16 * rounding(type);

    Session session;
    miopenActivationDescriptor_t descriptor;
    CALL(miopenCreateActivationDescriptor, &descriptor);
    // For tanh these are beta * tanh(alpha * x); the others do not look at them.
    CALL(miopenSetActivationDescriptor, descriptor, mode, 1, 1, 1);
    const float one = 1, zero = 0;
    Tensor x(type, lengths, input), result(type, lengths);
    if(forward)
    {
        Output out{"output", &result, exact, tolerance};
        session.run({"forward", {&out}, {&x}}, [&] {
            CALL(miopenActivationForward, session.handle, descriptor, &one, x.descriptor, x.place(), &zero,
                 result.descriptor, result.place());
        });
    }
    else
    {
        Tensor y(type, lengths, output), dy(type, lengths, gradient);
        Output out{"output", &result, want, tolerance};
        session.run({"backward", {&out}, {&x, &y, &dy}}, [&] {
            CALL(miopenActivationBackward, session.handle, descriptor, &one, y.descriptor, y.place(), dy.descriptor,
                 dy.place(), x.descriptor, x.place(), &zero, result.descriptor, result.place());
        });
    }
    (void)miopenDestroyActivationDescriptor(descriptor);
    return session.end();
}
