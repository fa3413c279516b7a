// SPDX-License-Identifier: MIT
//
// A convolution whose workspace is memory of the host, because MIOpen found no more on the card. Find is the one that
// allocates workspaces by itself; it gets our tensors, and what the solution leaves in the output is looked at. By GEMM the
// workspace holds the image as columns, written by one kernel and read by another.

#include <cstdlib>

#include "allocation.hpp"
#include "convolution.hpp"
#include "operations.hpp"
#include "session.hpp"

namespace {

struct Problem
{
    Problem(const Convolution& convolution, const Tensor& x, const Tensor& w, const Tensor& y)
    {
        CALL(miopenCreateConvProblem, &problem, convolution.descriptor, miopenProblemDirectionForward);
        CALL(miopenCreateFindOptions, &options);
        argument(miopenTensorConvolutionX, x);
        argument(miopenTensorConvolutionW, w);
        argument(miopenTensorConvolutionY, y);
    }
    ~Problem()
    {
        (void)miopenDestroyFindOptions(options);
        (void)miopenDestroyProblem(problem);
    }
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;

    miopenProblem_t problem = nullptr;
    miopenFindOptions_t options = nullptr;

private:
    void argument(miopenTensorArgumentId_t id, const Tensor& tensor)
    {
        CALL(miopenSetProblemTensorDescriptor, problem, id, tensor.descriptor);
        CALL(miopenSetFindOptionPreallocatedTensor, options, id, tensor.place());
    }
};

} // namespace

int host_memory(Words& words)
{
    const Type type = words.type();
    const ConvolutionShape s = convolution_shape(words);
    words.end();

    const Values image = convolution_images(volume(s.input())), filter = convolution_filters(volume(s.filter()));
    const Values want = convolution_forward(s, image, filter);
    const std::size_t products = volume(s.filter()) / static_cast<std::size_t>(s.k);
    // Only one solver may run, or the output would be that of another one, and it must really run, not be looked up.
    setenv("MIOPEN_DEBUG_FIND_ONLY_SOLVER", "GemmFwdRest", 0);
    setenv("MIOPEN_FIND_MODE", "NORMAL", 1);

    Session session;
    const Convolution convolution(s);
    const Tensor x(type, s.input(), image), w(type, s.filter(), filter);
    Tensor y(type, s.output());
    const Problem problem(convolution, x, w, y);
    Output output{"output", &y, want, convolution_tolerance(type, products, want)};
    std::size_t from_host = 0;
    session.run({"find, workspace of the host", {&output}, {&x, &w}}, [&] {
        const NoMemoryForMiopen none;
        miopenSolution_t solutions[8];
        std::size_t found = 0;
        CALL(miopenFindSolutions, session.handle, problem.problem, problem.options, solutions, &found, 8);
        from_host = none.served_from_host();
        for(std::size_t i = 0; i < found; ++i)
            (void)miopenDestroySolution(solutions[i]);
        CALL(hipDeviceSynchronize, );
        if(from_host == 0)
            throw Refusal{0, "MIOpen took no memory of the host", "miopenFindSolutions", true};
    });
    return session.end();
}
