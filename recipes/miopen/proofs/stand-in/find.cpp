// SPDX-License-Identifier: MIT
//
//     find CHANNELS SIZE STRIDE
//
// Has MIOpen find how to do a 3x3 convolution of a square image, as many channels out as in. It allocates images, filter and
// workspace by itself, compiles what MIOPEN_DEBUG_FIND_ONLY_SOLVER lets it and runs that.

#include <miopen/miopen.h>

#include <cstdio>
#include <cstdlib>

static void check(miopenStatus_t status, const char* what)
{
    if(status == miopenStatusSuccess)
        return;
    std::printf("%s: %s\n", what, miopenGetErrorString(status));
    std::exit(1);
}

int main(int count, char** words)
{
    if(count != 4)
        return 2;
    const int channels = std::atoi(words[1]), size = std::atoi(words[2]), stride = std::atoi(words[3]);

    miopenHandle_t handle;
    check(miopenCreate(&handle), "miopenCreate");

    miopenTensorDescriptor_t x, w, y;
    check(miopenCreateTensorDescriptor(&x), "x");
    check(miopenCreateTensorDescriptor(&w), "w");
    check(miopenCreateTensorDescriptor(&y), "y");
    check(miopenSet4dTensorDescriptor(x, miopenFloat, 1, channels, size, size), "x");
    check(miopenSet4dTensorDescriptor(w, miopenFloat, channels, channels, 3, 3), "w");
    check(miopenSet4dTensorDescriptor(y, miopenFloat, 1, channels, size / stride, size / stride), "y");

    miopenConvolutionDescriptor_t convolution;
    check(miopenCreateConvolutionDescriptor(&convolution), "convolution");
    check(miopenInitConvolutionDescriptor(convolution, miopenConvolution, 1, 1, stride, stride, 1, 1), "convolution");

    miopenProblem_t problem;
    check(miopenCreateConvProblem(&problem, convolution, miopenProblemDirectionForward), "problem");
    check(miopenSetProblemTensorDescriptor(problem, miopenTensorConvolutionX, x), "problem's x");
    check(miopenSetProblemTensorDescriptor(problem, miopenTensorConvolutionW, w), "problem's w");
    check(miopenSetProblemTensorDescriptor(problem, miopenTensorConvolutionY, y), "problem's y");

    miopenSolution_t solutions[64];
    std::size_t found = 0;
    check(miopenFindSolutions(handle, problem, nullptr, solutions, &found, 64), "miopenFindSolutions");
    std::printf("stride %d: found %zu\n", stride, found);
    for(std::size_t i = 0; i < found; ++i)
    {
        std::size_t workspace = 0;
        check(miopenGetSolutionWorkspaceSize(solutions[i], &workspace), "miopenGetSolutionWorkspaceSize");
        std::printf("workspace of %zu bytes\n", workspace);
    }
    return found == 0;
}
