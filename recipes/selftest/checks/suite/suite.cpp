// SPDX-License-Identifier: MIT
//
//     suite OPERATOR
//
// Runs one operator of the library on the GPU and compares with a reference of its own. Says `device:`, `library:`, `run:`,
// then `right:`, `wrong:` or `refused:`, as docs/recipes.md has it.

#include <hip/hip_runtime_api.h>
#include <rdna_selftest/rdna_selftest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

using Values = std::vector<float>;

// Neither is a multiple of a wave, a block or a tile.
static const std::size_t rows = 37, columns = 103;
static const float epsilon = 1e-5f;
// As float and double round sums of some hundred small whole numbers, divided by a root.
static const float tolerance = 1e-5f;

static std::string running = "device";

static void refuse(const char* call, int status, const char* text, int code)
{
    std::printf("refused: %s: status %d, %s, in %s\n", running.c_str(), status, text, call);
    std::exit(code);
}

static void hip(hipError_t status, const char* call, int code = 1)
{
    if(status != hipSuccess)
        refuse(call, status, hipGetErrorString(status), code);
}

static void own(rdna_selftest_status status, const char* call)
{
    if(status != RDNA_SELFTEST_OK)
        refuse(call, status, rdna_selftest_status_text(status), 1);
}

static float* on_device(const Values& values)
{
    void* memory = nullptr;
    own(rdna_selftest_allocate(&memory, values.size() * sizeof(float)), "rdna_selftest_allocate");
    hip(hipMemcpy(memory, values.data(), values.size() * sizeof(float), hipMemcpyDefault), "hipMemcpy");
    return static_cast<float*>(memory);
}

// The libraries of ROCm's and the one under test that this process has mapped.
static void tell_libraries()
{
    std::set<std::string> told;
    std::ifstream maps("/proc/self/maps");
    for(std::string line; std::getline(maps, line);)
    {
        const auto at = line.find('/');
        if(at == std::string::npos)
            continue;
        const std::string path = line.substr(at);
        for(const char* name : {"librdna_selftest", "libamdhip64", "libhsa-runtime64"})
            if(path.find(name) != std::string::npos && told.insert(path).second)
                std::printf("library: %s\n", path.c_str());
    }
}

static int compare(const float* memory, const Values& expected)
{
    Values got(expected.size());
    hip(hipMemcpy(got.data(), memory, got.size() * sizeof(float), hipMemcpyDefault), "hipMemcpy");
    std::size_t wrong = 0, unwritten = 0, first = 0;
    float largest = 0;
    for(std::size_t i = 0; i < got.size(); ++i)
    {
        const float error = std::fabs(got[i] - expected[i]);
        unsigned bits;
        std::memcpy(&bits, &got[i], sizeof bits);
        // Written so that a NaN is wrong.
        if(error <= tolerance)
        {
            largest = std::fmax(largest, error);
            continue;
        }
        first = wrong++ == 0 ? i : first;
        unwritten += bits == ~0u;
    }
    if(wrong == 0)
        std::printf("right: %s: largest error %g of %g\n", running.c_str(), largest, tolerance);
    else
        std::printf("wrong: %s: %zu of %zu values, %zu unwritten, first at %zu: %g instead of %g\n", running.c_str(), wrong,
                    got.size(), unwritten, first, got[first], expected[first]);
    return wrong == 0 ? 0 : 1;
}

int main(int count, char** words)
{
    const std::string name = count == 2 ? words[1] : "";
    int devices = 0;
    hip(hipGetDeviceCount(&devices), "hipGetDeviceCount", 3);
    hipDeviceProp_t properties;
    hip(hipGetDeviceProperties(&properties, 0), "hipGetDeviceProperties", 3);
    std::printf("device: %s | %s | %d compute units\n", properties.gcnArchName, properties.name,
                properties.multiProcessorCount);
    tell_libraries();

    Values a(rows * columns), b(a.size()), expected;
    for(std::size_t i = 0; i < a.size(); ++i)
        a[i] = static_cast<float>((i * 7 + 3) % 33) - 16, b[i] = static_cast<float>((i * 5 + 11) % 29) - 14;
    std::function<rdna_selftest_status(const float*, const float*, float*)> run;
    if(name == "vector-add")
    {
        for(std::size_t i = 0; i < a.size(); ++i)
            expected.push_back(a[i] + b[i]);
        run = [&](const float* x, const float* y, float* z) { return rdna_selftest_vector_add(x, y, z, a.size(), nullptr); };
    }
    else if(name == "row-sum")
    {
        for(std::size_t row = 0; row < rows; ++row)
        {
            double sum = 0;
            for(std::size_t column = 0; column < columns; ++column)
                sum += a[row * columns + column];
            expected.push_back(static_cast<float>(sum));
        }
        run = [&](const float* x, const float*, float* z) { return rdna_selftest_row_sum(x, z, rows, columns, nullptr); };
    }
    else if(name == "transpose")
    {
        for(std::size_t column = 0; column < columns; ++column)
            for(std::size_t row = 0; row < rows; ++row)
                expected.push_back(a[row * columns + column]);
        run = [&](const float* x, const float*, float* z) { return rdna_selftest_transpose(x, z, rows, columns, nullptr); };
    }
    else if(name == "block-norm")
    {
        for(std::size_t row = 0; row < rows; ++row)
        {
            double sum = 0, squares = 0;
            for(std::size_t column = 0; column < columns; ++column)
                sum += a[row * columns + column];
            const double mean = sum / columns;
            for(std::size_t column = 0; column < columns; ++column)
                squares += (a[row * columns + column] - mean) * (a[row * columns + column] - mean);
            for(std::size_t column = 0; column < columns; ++column)
                expected.push_back(static_cast<float>((a[row * columns + column] - mean) / std::sqrt(squares / columns + epsilon)));
        }
        run = [&](const float* x, const float*, float* z) {
            return rdna_selftest_block_norm(x, z, rows, columns, epsilon, nullptr);
        };
    }
    else
    {
        std::fprintf(stderr, "usage: suite vector-add|row-sum|transpose|block-norm\n");
        return 2;
    }

    running = name;
    std::printf("run: %s\n", name.c_str());
    std::fflush(stdout);
    float *x = on_device(a), *y = on_device(b), *z = on_device(expected);
    hip(hipMemset(z, 0xff, expected.size() * sizeof(float)), "hipMemset");
    own(run(x, y, z), name.c_str());
    hip(hipDeviceSynchronize(), "hipDeviceSynchronize");
    return compare(z, expected);
}
