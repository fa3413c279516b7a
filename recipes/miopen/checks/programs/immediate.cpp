// SPDX-License-Identifier: MIT
//
//     immediate
//
// Asks MIOpen which solutions it offers at once (immediate mode) for some convolutions, in the three directions. Nothing is
// computed. Ends with 1 at the first call that fails, and where no solution is offered at all.

#include <miopen/miopen.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

static void check(miopenStatus_t status, const char* what)
{
    if(status == miopenStatusSuccess)
        return;
    std::printf("%s: status %d, %s\n", what, status, miopenGetErrorString(status));
    std::exit(1);
}

struct Shape
{
    const char* name;
    int n, c, h, w, k, y, x, pad;
};

// The first is the one whose crash on these cards is reported most; then squares around the size where failures are
// reported to begin, and a layer of ResNet-50.
static const Shape shapes[] = {
    {"1 to 32 channels, 64x1 on 16x1x64x256", 16, 1, 64, 256, 32, 64, 1, 0},
    {"16 to 32 channels, 3x3 on 42x42", 1, 16, 42, 42, 32, 3, 3, 1},
    {"16 to 32 channels, 3x3 on 43x43", 1, 16, 43, 43, 32, 3, 3, 1},
    {"64 to 64 channels, 3x3 on 56x56", 1, 64, 56, 56, 64, 3, 3, 1},
};

int main()
{
    miopenHandle_t handle;
    check(miopenCreate(&handle), "miopenCreate");
    for(const Shape& shape : shapes)
    {
        miopenTensorDescriptor_t x, w, y;
        check(miopenCreateTensorDescriptor(&x), "x");
        check(miopenCreateTensorDescriptor(&w), "w");
        check(miopenCreateTensorDescriptor(&y), "y");
        check(miopenSet4dTensorDescriptor(x, miopenFloat, shape.n, shape.c, shape.h, shape.w), "x");
        check(miopenSet4dTensorDescriptor(w, miopenFloat, shape.k, shape.c, shape.y, shape.x), "w");
        miopenConvolutionDescriptor_t convolution;
        check(miopenCreateConvolutionDescriptor(&convolution), "convolution");
        check(miopenInitConvolutionDescriptor(
                  convolution, miopenConvolution, shape.pad, shape.pad, 1, 1, 1, 1),
              "convolution");
        int n, k, h, width;
        check(miopenGetConvolutionForwardOutputDim(convolution, x, w, &n, &k, &h, &width), "output");
        check(miopenSet4dTensorDescriptor(y, miopenFloat, n, k, h, width), "y");

        std::size_t forward = 0, data = 0, weights = 0;
        check(miopenConvolutionForwardGetSolutionCount(handle, w, x, convolution, y, &forward), "forward");
        check(miopenConvolutionBackwardDataGetSolutionCount(handle, y, w, convolution, x, &data), "data");
        check(miopenConvolutionBackwardWeightsGetSolutionCount(handle, y, x, convolution, w, &weights),
              "weights");
        std::vector<miopenConvSolution_t> solutions(forward);
        std::size_t given = 0;
        if(forward > 0)
            check(miopenConvolutionForwardGetSolution(
                      handle, w, x, convolution, y, forward, &given, solutions.data()),
                  "solutions");
        std::printf("%s: offered %zu %zu %zu:", shape.name, forward, data, weights);
        for(std::size_t i = 0; i < given; ++i)
            std::printf(" %llu", static_cast<unsigned long long>(solutions[i].solution_id));
        std::printf("\n");
        if(forward == 0 || data == 0 || weights == 0)
            return 1;
    }
    std::printf("every shape has solutions\n");
    return 0;
}
