// SPDX-License-Identifier: MIT
//
// Reduction of dimensions.

#include <algorithm>

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

// Values are whole numbers of eighths up to one, summed up in fp32 for both types: exact, as long as the sum of all sizes
// stays below two million. A mean is a product with 1/count or a quotient on top of that. What is not exact by that is the
// rounding to the type.
static double tolerance(Type type, Reduction kind, double population, const Values& want)
{
    const double stored = type == Type::fp16 ? rounding(type) * largest(want) : 0;
    switch(kind)
    {
    case Reduction::sum: return std::max(0.0, population - 2e6) * rounding(Type::fp32) + stored;
    case Reduction::mean: return 4 * rounding(Type::fp32) + 2 * stored;
    case Reduction::maximum: return 0;
    }
    return 0;
}

int reduction(Words& words)
{
    const std::string name = words.one_of({"sum", "mean", "maximum"});
    const Type type = words.type();
    const std::vector<int> from = image(words);
    const std::string over = words.text_or("over", "");
    words.end();
    std::vector<int> into = from;
    for(const char dimension : over)
    {
        const std::size_t place = std::string("nchw").find(dimension);
        if(place == std::string::npos)
            throw Usage{"over= takes some of n, c, h and w, e.g. over=nhw"};
        into[place] = 1;
    }
    if(into == from)
        throw Usage{"over= must name a dimension that is longer than 1"};

    const Reduction kind = name == "sum" ? Reduction::sum : name == "mean" ? Reduction::mean : Reduction::maximum;
    const miopenReduceTensorOp_t operation = name == "sum"    ? MIOPEN_REDUCE_TENSOR_ADD
                                             : name == "mean" ? MIOPEN_REDUCE_TENSOR_AVG
                                                              : MIOPEN_REDUCE_TENSOR_MAX;
    // Of many values a maximum is always the limit, unless the limit is far away.
    const Values input = spread(volume(from), 1, kind == Reduction::maximum ? 1024 : 8, 1.0 / 8);
    const Values want = reduce(kind, from, into, input);
    const auto population = static_cast<double>(input.size() / want.size());

    Session session;
    miopenReduceTensorDescriptor_t descriptor;
    CALL(miopenCreateReduceTensorDescriptor, &descriptor);
    // MIOpen takes a maximum in the type of the values, and sums in fp32.
    const miopenDataType_t inner = kind == Reduction::maximum ? miopen_type(type) : miopenFloat;
    CALL(miopenSetReduceTensorDescriptor, descriptor, operation, inner, MIOPEN_PROPAGATE_NAN,
         MIOPEN_REDUCE_TENSOR_NO_INDICES, MIOPEN_32BIT_INDICES);
    const float one = 1, zero = 0;
    Tensor x(type, from, input), y(type, into);
    Output output{"output", &y, want, tolerance(type, kind, population, want)};
    session.run(
        {name, {&output}, {&x}},
        [&] {
            std::size_t bytes = 0;
            CALL(miopenGetReductionWorkspaceSize, session.handle, descriptor, x.descriptor, y.descriptor, &bytes);
            return bytes;
        },
        [&](const Memory& workspace) {
            CALL(miopenReduceTensor, session.handle, descriptor, nullptr, 0, workspace.place(), workspace.bytes(), &one,
                 x.descriptor, x.place(), &zero, y.descriptor, y.place());
        });
    (void)miopenDestroyReduceTensorDescriptor(descriptor);
    return session.end();
}
