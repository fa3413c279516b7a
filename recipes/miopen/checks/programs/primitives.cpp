// SPDX-License-Identifier: MIT
//
//     primitives
//
// Calls one primitive of MIOpen after the other, so that it compiles their kernels with its own options. Memory is real and
// launches do nothing: no result is looked at. Every primitive is tried; ends with 1 where one failed.

#include <hip/hip_runtime_api.h>
#include <miopen/miopen.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

static miopenHandle_t handle;
static int failed = 0;

struct Stop
{
    miopenStatus_t status;
    const char* what;
};

static void check(miopenStatus_t status, const char* what)
{
    if(status != miopenStatusSuccess)
        throw Stop{status, what};
}

static void attempt(const char* name, const std::function<void()>& work)
{
    try
    {
        work();
        std::printf("%s: done\n", name);
    }
    catch(const Stop& stop)
    {
        std::printf("%s: %s: status %d, %s\n", name, stop.what, stop.status, miopenGetErrorString(stop.status));
        failed = 1;
    }
    std::fflush(stdout);
}

static miopenTensorDescriptor_t tensor(miopenDataType_t type, int n, int c, int h, int w)
{
    miopenTensorDescriptor_t descriptor;
    check(miopenCreateTensorDescriptor(&descriptor), "descriptor");
    check(miopenSet4dTensorDescriptor(descriptor, type, n, c, h, w), "descriptor");
    return descriptor;
}

static void* memory(std::size_t bytes)
{
    void* place = nullptr;
    if(hipMalloc(&place, bytes == 0 ? 4 : bytes) != hipSuccess)
        throw Stop{miopenStatusAllocFailed, "hipMalloc"};
    return place;
}

static const float one = 1, zero = 0;
static const std::size_t many = std::size_t(4) << 20;

static void batch_norm(miopenDataType_t type, int n, int c, int size)
{
    const auto x = tensor(type, n, c, size, size), y = tensor(type, n, c, size, size);
    miopenTensorDescriptor_t scale;
    check(miopenCreateTensorDescriptor(&scale), "scale");
    check(miopenDeriveBNTensorDescriptor(scale, x, miopenBNSpatial), "scale");
    void *in = memory(many), *out = memory(many), *gradient = memory(many);
    void* small[8];
    for(void*& place : small)
        place = memory(1 << 16);
    float a = 1, b = 0;
    check(miopenBatchNormalizationForwardTraining(handle, miopenBNSpatial, &a, &b, x, in, y, out, scale, small[0],
                                                  small[1], 0.1, small[2], small[3], 1e-5, small[4], small[5]),
          "training");
    check(miopenBatchNormalizationForwardInference(
              handle, miopenBNSpatial, &a, &b, x, in, y, out, scale, small[0], small[1], small[2], small[3], 1e-5),
          "inference");
    check(miopenBatchNormalizationBackward(handle, miopenBNSpatial, &a, &b, &a, &b, x, in, y, out, x, gradient, scale,
                                           small[0], small[6], small[7], 1e-5, small[4], small[5]),
          "backward");
}

static void reduce(miopenDataType_t type, miopenReduceTensorOp_t operation)
{
    miopenReduceTensorDescriptor_t reduction;
    check(miopenCreateReduceTensorDescriptor(&reduction), "reduction");
    check(miopenSetReduceTensorDescriptor(reduction, operation, miopenFloat, MIOPEN_PROPAGATE_NAN,
                                          MIOPEN_REDUCE_TENSOR_NO_INDICES, MIOPEN_32BIT_INDICES),
          "reduction");
    const auto from = tensor(type, 4, 16, 32, 32), into = tensor(type, 1, 16, 1, 1);
    std::size_t workspace = 0;
    check(miopenGetReductionWorkspaceSize(handle, reduction, from, into, &workspace), "workspace");
    check(miopenReduceTensor(handle, reduction, nullptr, 0, memory(workspace), workspace, &one, from, memory(many),
                             &zero, into, memory(many)),
          "reduce");
}

static void pooling(miopenPoolingMode_t mode)
{
    miopenPoolingDescriptor_t pool;
    check(miopenCreatePoolingDescriptor(&pool), "pooling");
    check(miopenSet2dPoolingDescriptor(pool, mode, 2, 2, 0, 0, 2, 2), "pooling");
    const auto x = tensor(miopenFloat, 2, 8, 16, 16), y = tensor(miopenFloat, 2, 8, 8, 8);
    std::size_t bytes = 0;
    check(miopenPoolingGetWorkSpaceSizeV2(pool, y, &bytes), "workspace");
    void* workspace = memory(bytes);
    check(miopenPoolingForward(handle, pool, &one, x, memory(many), &zero, y, memory(many), true, workspace, bytes),
          "forward");
    check(miopenPoolingBackward(handle, pool, &one, y, memory(many), y, memory(many), x, memory(many), &zero, x,
                                memory(many), workspace),
          "backward");
}

int main()
{
    check(miopenCreate(&handle), "miopenCreate");
    attempt("batch normalisation, fp32, small", [] { batch_norm(miopenFloat, 16, 64, 8); });
    attempt("batch normalisation, fp32, large", [] { batch_norm(miopenFloat, 2, 8, 112); });
    attempt("batch normalisation, fp16", [] { batch_norm(miopenHalf, 16, 64, 8); });
    attempt("reduction, sum", [] { reduce(miopenFloat, MIOPEN_REDUCE_TENSOR_ADD); });
    attempt("reduction, maximum", [] { reduce(miopenFloat, MIOPEN_REDUCE_TENSOR_MAX); });
    attempt("reduction, mean of fp16", [] { reduce(miopenHalf, MIOPEN_REDUCE_TENSOR_AVG); });
    attempt("pooling, maximum", [] { pooling(miopenPoolingMax); });
    attempt("pooling, mean", [] { pooling(miopenPoolingAverage); });
    attempt("activation", [] {
        miopenActivationDescriptor_t activation;
        check(miopenCreateActivationDescriptor(&activation), "activation");
        check(miopenSetActivationDescriptor(activation, miopenActivationRELU, 0, 0, 0), "activation");
        const auto x = tensor(miopenFloat, 2, 8, 16, 16);
        check(miopenActivationForward(handle, activation, &one, x, memory(many), &zero, x, memory(many)), "forward");
        check(miopenActivationBackward(handle, activation, &one, x, memory(many), x, memory(many), x, memory(many),
                                       &zero, x, memory(many)),
              "backward");
    });
    attempt("softmax", [] {
        const auto x = tensor(miopenFloat, 4, 10, 1, 1);
        check(miopenSoftmaxForward_V2(handle, &one, x, memory(many), &zero, x, memory(many), MIOPEN_SOFTMAX_ACCURATE,
                                      MIOPEN_SOFTMAX_MODE_CHANNEL),
              "forward");
        check(miopenSoftmaxBackward_V2(handle, &one, x, memory(many), x, memory(many), &zero, x, memory(many),
                                       MIOPEN_SOFTMAX_ACCURATE, MIOPEN_SOFTMAX_MODE_CHANNEL),
              "backward");
    });
    attempt("sum of tensors", [] {
        const auto x = tensor(miopenFloat, 2, 8, 16, 16), bias = tensor(miopenFloat, 1, 8, 1, 1);
        check(miopenOpTensor(handle, miopenTensorOpAdd, &one, x, memory(many), &one, bias, memory(many), &zero, x,
                             memory(many)),
              "sum");
    });
    if(failed == 0)
        std::printf("every primitive was done\n");
    return failed;
}
