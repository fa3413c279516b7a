// SPDX-License-Identifier: MIT
// Runs every operator on the device and compares it with the host reference.
#include <cmath>

#include "reference.hpp"
#include "status.hpp"

namespace rdna_selftest {
namespace {

// Neither is a multiple of a wave, a block or a tile: the edges are where kernels go wrong.
constexpr std::size_t rows    = 67;
constexpr std::size_t columns = 301;
constexpr std::size_t count   = rows * columns;
constexpr float epsilon       = 1e-5f;

class Buffer
{
public:
    explicit Buffer(std::size_t size) : size_(size)
    {
        void* memory = nullptr;
        status_      = rdna_selftest_allocate(&memory, size * sizeof(float));
        memory_      = static_cast<float*>(memory);
    }
    explicit Buffer(const Values& values) : Buffer(values.size())
    {
        if(status_ == RDNA_SELFTEST_OK)
            status_ = status_of(hipMemcpy(memory_, values.data(), size_ * sizeof(float), hipMemcpyDefault));
    }
    ~Buffer() { rdna_selftest_release(memory_); }
    Buffer(const Buffer&)            = delete;
    Buffer& operator=(const Buffer&) = delete;

    float* get() const { return memory_; }
    rdna_selftest_status status() const { return status_; }
    rdna_selftest_status read(Values& values) const
    {
        values.resize(size_);
        return status_of(hipMemcpy(values.data(), memory_, size_ * sizeof(float), hipMemcpyDefault));
    }

private:
    std::size_t size_;
    float* memory_               = nullptr;
    rdna_selftest_status status_ = RDNA_SELFTEST_OK;
};

// Small whole numbers: sums of them are exact in any order.
Values whole_numbers(std::size_t seed)
{
    Values values(count);
    for(std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<float>((i * 7 + seed) % 33) - 16;
    return values;
}

bool agree(const Values& got, const Values& expected, float tolerance)
{
    for(std::size_t i = 0; i < expected.size(); ++i)
        // Written so that a NaN disagrees.
        if(!(std::fabs(got[i] - expected[i]) <= tolerance))
            return false;
    return true;
}

template <typename Operator>
rdna_selftest_status compare(const Values& expected, float tolerance, Operator run)
{
    const Buffer result(expected.size());
    if(result.status() != RDNA_SELFTEST_OK)
        return result.status();
    rdna_selftest_status status = run(result.get());
    Values got;
    if(status == RDNA_SELFTEST_OK)
        status = result.read(got);
    if(status != RDNA_SELFTEST_OK)
        return status;
    return agree(got, expected, tolerance) ? RDNA_SELFTEST_OK : RDNA_SELFTEST_WRONG_RESULT;
}

} // namespace
} // namespace rdna_selftest

extern "C" rdna_selftest_status rdna_selftest_run(const char* code_object, const char** failed)
{
    using namespace rdna_selftest;

    const auto report = [failed](const char* name, rdna_selftest_status status) {
        if(status != RDNA_SELFTEST_OK && failed != nullptr)
            *failed = name;
        return status;
    };

    int devices = 0;
    if(hipGetDeviceCount(&devices) != hipSuccess || devices == 0)
        return report("device", RDNA_SELFTEST_NO_DEVICE);

    const Values a = whole_numbers(3);
    const Values b = whole_numbers(11);
    const Buffer on_device_a(a);
    const Buffer on_device_b(b);
    for(const Buffer* buffer : {&on_device_a, &on_device_b})
        if(buffer->status() != RDNA_SELFTEST_OK)
            return report("allocate", buffer->status());
    const float* da = on_device_a.get();
    const float* db = on_device_b.get();

    const Values sum            = reference_vector_add(a, b);
    rdna_selftest_status status = compare(sum, 0, [&](float* result) {
        return rdna_selftest_vector_add(da, db, result, count, nullptr);
    });
    if(status != RDNA_SELFTEST_OK)
        return report("vector_add", status);

    if(code_object != nullptr)
    {
        status = compare(sum, 0, [&](float* result) {
            return rdna_selftest_vector_add_from_file(code_object, da, db, result, count, nullptr);
        });
        if(status != RDNA_SELFTEST_OK)
            return report("vector_add_from_file", status);
    }

    status = compare(reference_row_sum(a, rows, columns), 0, [&](float* result) {
        return rdna_selftest_row_sum(da, result, rows, columns, nullptr);
    });
    if(status != RDNA_SELFTEST_OK)
        return report("row_sum", status);

    status = compare(reference_transpose(a, rows, columns), 0, [&](float* result) {
        return rdna_selftest_transpose(da, result, rows, columns, nullptr);
    });
    if(status != RDNA_SELFTEST_OK)
        return report("transpose", status);

    status = compare(reference_block_norm(a, rows, columns, epsilon), 1e-5f, [&](float* result) {
        return rdna_selftest_block_norm(da, result, rows, columns, epsilon, nullptr);
    });
    return report("block_norm", status);
}
