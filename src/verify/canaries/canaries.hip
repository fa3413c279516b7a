// SPDX-License-Identifier: MIT
//
//     canaries NAME [WAVE]
//
// Small computations whose results are known, for an emulator that says it is a GPU. Every output is filled with 0xff bytes
// before it is computed. Says `run:`, then `right:` or `wrong:`, and ends with 0 only where all was right.

#include <hip/hip_ext.h>
#include <hip/hip_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

static void check(hipError_t status, const char* call)
{
    if(status == hipSuccess)
        return;
    std::printf("refused: device: status %d, %s, in %s\n", status, hipGetErrorString(status), call);
    std::exit(3);
}

// Neither a multiple of a wave nor of a block, where the canary can do with that.
static const unsigned odd = 1000, block = 256;

template <typename T>
struct Buffer
{
    T* place = nullptr;
    std::size_t count;

    explicit Buffer(std::size_t count) : count(count)
    {
        check(hipMalloc(reinterpret_cast<void**>(&place), count * sizeof(T)), "hipMalloc");
        check(hipMemset(place, 0xff, count * sizeof(T)), "hipMemset");
    }
    explicit Buffer(const std::vector<T>& values) : Buffer(values.size())
    {
        check(hipMemcpy(place, values.data(), count * sizeof(T), hipMemcpyHostToDevice), "hipMemcpy");
    }
    ~Buffer() { (void)hipFree(place); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    std::vector<T> read() const
    {
        check(hipGetLastError(), "launch");
        check(hipDeviceSynchronize(), "hipDeviceSynchronize");
        std::vector<T> values(count);
        check(hipMemcpy(values.data(), place, count * sizeof(T), hipMemcpyDeviceToHost), "hipMemcpy");
        return values;
    }
};

static bool all_right = true;
static const char* announced = "";

static void announce(const char* what)
{
    announced = what;
    std::printf("run: %s\n", what);
    std::fflush(stdout);
}

template <typename T, typename Expected>
static void compare(const char* what, const std::vector<T>& got, Expected expected)
{
    // What one computation made is compared piece by piece.
    if(std::strcmp(announced, what) != 0)
        announce(what);
    std::size_t wrong = 0, unwritten = 0, first = 0;
    T pattern;
    std::memset(&pattern, 0xff, sizeof(T));
    for(std::size_t i = 0; i < got.size(); ++i)
    {
        if(got[i] == static_cast<T>(expected(i)))
            continue;
        if(wrong++ == 0)
            first = i;
        unwritten += std::memcmp(&got[i], &pattern, sizeof(T)) == 0;
    }
    if(wrong == 0)
        std::printf("right: %s: %zu values\n", what, got.size());
    else
        std::printf("wrong: %s: %zu of %zu values, %zu unwritten, first at %zu: %g instead of %g\n", what, wrong, got.size(),
                    unwritten, first, static_cast<double>(got[first]), static_cast<double>(static_cast<T>(expected(first))));
    std::fflush(stdout);
    all_right = all_right && wrong == 0;
}

__global__ void add(const float* a, const float* b, float* sum, unsigned count)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if(i < count)
        sum[i] = a[i] + b[i];
}

static void vector_add()
{
    announce("vector add");
    std::vector<float> a(odd), b(odd);
    for(unsigned i = 0; i < odd; ++i)
        a[i] = static_cast<float>(i), b[i] = static_cast<float>(2 * i) + 0.5f;
    const Buffer<float> da(a), db(b), sum(odd);
    add<<<(odd + block - 1) / block, block>>>(da.place, db.place, sum.place, odd);
    compare("vector add", sum.read(), [](std::size_t i) { return 3.0 * i + 0.5; });
}

__global__ void shift(const unsigned long long* values, unsigned long long* result, unsigned count)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if(i < count)
        result[i] = (values[i] << (i % 64)) ^ (values[i] >> (i % 31));
}

static void shifts()
{
    announce("64-bit shifts");
    std::vector<unsigned long long> values(odd);
    for(unsigned i = 0; i < odd; ++i)
        values[i] = 0x9e3779b97f4a7c15ull * (i + 1);
    const Buffer<unsigned long long> in(values), out(odd);
    shift<<<(odd + block - 1) / block, block>>>(in.place, out.place, odd);
    compare("64-bit shifts", out.read(), [&](std::size_t i) { return (values[i] << (i % 64)) ^ (values[i] >> (i % 31)); });
}

__global__ void lane(unsigned* ids, unsigned* low, unsigned* high)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned id = __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0));
    const unsigned long long odd_lanes = __ballot(static_cast<int>(id & 1));
    ids[i] = id;
    low[i] = static_cast<unsigned>(odd_lanes);
    high[i] = static_cast<unsigned>(odd_lanes >> 32);
}

static void lanes(unsigned wave)
{
    announce("lanes");
    const Buffer<unsigned> ids(block), low(block), high(block);
    lane<<<1, block>>>(ids.place, low.place, high.place);
    compare("lanes", ids.read(), [=](std::size_t i) { return i % wave; });
    announce("ballots, low");
    compare("ballots, low", low.read(), [](std::size_t) { return 0xaaaaaaaau; });
    compare("ballots, high", high.read(), [=](std::size_t) { return wave == 64 ? 0xaaaaaaaau : 0; });
}

__global__ void move(int* moved, float* multiplied, float* negated)
{
    const int i = static_cast<int>(threadIdx.x);
    const float value = static_cast<float>(i);
    // row_shr:1 takes the value of the lane before; the first lane of a row keeps what it has.
    moved[i] = __builtin_amdgcn_update_dpp(-1, i, 0x111, 0xf, 0xf, false);
    float sum = 1000.0f + value, difference = 5.0f, two = 2.0f, ten = 10.0f;
    asm volatile("v_fmac_f32_dpp %0, %1, %2 row_shr:1 row_mask:0xf bank_mask:0xf" : "+v"(sum) : "v"(value), "v"(two));
    asm volatile("v_add_f32_dpp %0, -%1, %2 row_shr:1 row_mask:0xf bank_mask:0xf"
                 : "+v"(difference)
                 : "v"(value), "v"(ten));
    multiplied[i] = sum;
    negated[i] = difference;
}

static void dpp()
{
    announce("data-parallel primitives, move");
    const Buffer<int> moved(64);
    const Buffer<float> multiplied(64), negated(64);
    move<<<1, 64>>>(moved.place, multiplied.place, negated.place);
    compare("data-parallel primitives, move", moved.read(),
            [](std::size_t i) { return i % 16 == 0 ? -1 : static_cast<int>(i) - 1; });
    compare("data-parallel primitives, fmac", multiplied.read(),
            [](std::size_t i) { return 1000.0 + i + (i % 16 == 0 ? 0.0 : 2.0 * (i - 1.0)); });
    compare("data-parallel primitives, negated", negated.read(),
            [](std::size_t i) { return i % 16 == 0 ? 5.0 : 10.0 - (i - 1.0); });
}

__global__ void count_locally(int* sums, int* largest, float* halves)
{
    __shared__ int sum, most;
    __shared__ float half;
    if(threadIdx.x == 0)
        sum = 0, most = -1, half = 0;
    __syncthreads();
    atomicAdd(&sum, static_cast<int>(threadIdx.x));
    atomicMax(&most, static_cast<int>((threadIdx.x * 7) % blockDim.x));
    atomicAdd(&half, 0.5f);
    __syncthreads();
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    sums[i] = sum;
    largest[i] = most;
    halves[i] = half;
}

static void local_atomics()
{
    announce("local atomics, sum");
    const Buffer<int> sums(2 * block), largest(2 * block);
    const Buffer<float> halves(2 * block);
    count_locally<<<2, block>>>(sums.place, largest.place, halves.place);
    compare("local atomics, sum", sums.read(), [](std::size_t) { return block * (block - 1) / 2; });
    compare("local atomics, maximum", largest.read(), [](std::size_t) { return block - 1; });
    compare("local atomics, float", halves.read(), [](std::size_t) { return block * 0.5; });
}

__global__ void count_globally(int* sum, int* swapped, float* half)
{
    atomicAdd(sum, 1);
    atomicCAS(swapped, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), 4096);
    atomicAdd(half, 0.5f);
}

static void global_atomics()
{
    announce("global atomics, sum");
    const Buffer<int> sum(std::vector<int>{7}), swapped(std::vector<int>{300});
    const Buffer<float> half(std::vector<float>{0.25f});
    count_globally<<<4, block>>>(sum.place, swapped.place, half.place);
    compare("global atomics, sum", sum.read(), [](std::size_t) { return 7 + 4 * block; });
    compare("global atomics, compare and swap", swapped.read(), [](std::size_t) { return 4096; });
    compare("global atomics, float", half.read(), [](std::size_t) { return 0.25 + 4 * block * 0.5; });
}

// In the last workgroup blockDim is the size of the part.
__global__ void number(int* numbers) { numbers[blockIdx.x * 64 + threadIdx.x] = static_cast<int>(threadIdx.x); }

// MIOpen launches kernels over grids that are no multiple of a workgroup, and some look at no bound themselves.
static int partial_workgroup()
{
#if HIP_VERSION_MAJOR >= 6 && !defined(WHOLE_WORKGROUPS)
    announce("partial workgroup");
    const Buffer<int> numbers(128);
    hipFunction_t function;
    check(hipGetFuncBySymbol(&function, reinterpret_cast<const void*>(number)), "hipGetFuncBySymbol");
    int* place = numbers.place;
    void* arguments[] = {&place};
    check(hipExtModuleLaunchKernel(function, 100, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr, nullptr, nullptr, 0),
          "hipExtModuleLaunchKernel");
    compare("partial workgroup", numbers.read(), [](std::size_t i) { return i < 100 ? static_cast<int>(i % 64) : -1; });
    return all_right ? 0 : 1;
#else
    std::printf("nothing: this HIP or its compiler has no way to launch a part of a workgroup\n");
    return 77;
#endif
}

typedef unsigned int Descriptor __attribute__((ext_vector_type(4)));

// Word 3 with format 0 stands for no buffer: what is stored through it is dropped. Winograd's kernels count on that.
__global__ void store(unsigned* memory, unsigned bytes, unsigned word3)
{
    const unsigned long long address = reinterpret_cast<unsigned long long>(memory);
    const Descriptor descriptor = {static_cast<unsigned>(address), static_cast<unsigned>(address >> 32) & 0xffffu, bytes, word3};
    const unsigned offset = threadIdx.x * 4, value = threadIdx.x;
    asm volatile("buffer_store_dword %0, %1, %2, 0 offen" : : "v"(value), "v"(offset), "s"(descriptor) : "memory");
}

static void no_buffer()
{
    announce("buffer, stored");
    const Buffer<unsigned> stored(64), dropped(64), beyond(64);
    const unsigned raw = 0x31014000;
    store<<<1, 64>>>(stored.place, 256, raw);
    compare("buffer, stored", stored.read(), [](std::size_t i) { return i; });
    announce("buffer, beyond its end");
    store<<<1, 64>>>(beyond.place, 128, raw);
    compare("buffer, beyond its end", beyond.read(), [](std::size_t i) { return i < 32 ? static_cast<unsigned>(i) : ~0u; });
    announce("buffer, no buffer");
    store<<<1, 64>>>(dropped.place, 256, 0);
    compare("buffer, no buffer", dropped.read(), [](std::size_t) { return ~0u; });
}

__global__ void half(float* sums, float* negated)
{
    const _Float16 value = static_cast<_Float16>(threadIdx.x);
    _Float16 sum;
    float minus;
    asm volatile("v_add_f16_e32 %0, 1.0, %1" : "=v"(sum) : "v"(value));
    asm volatile("v_cvt_f32_f16_e64 %0, -%1" : "=v"(minus) : "v"(value));
    sums[threadIdx.x] = static_cast<float>(sum);
    negated[threadIdx.x] = minus;
}

static void halves()
{
    announce("half precision, constant");
    const Buffer<float> sums(64), negated(64);
    half<<<1, 64>>>(sums.place, negated.place);
    compare("half precision, constant", sums.read(), [](std::size_t i) { return i + 1.0; });
    compare("half precision, negated", negated.read(), [](std::size_t i) { return -static_cast<double>(i); });
}

int main(int count, char** words)
{
    const char* name = count > 1 ? words[1] : "";
    hipDeviceProp_t properties;
    check(hipGetDeviceProperties(&properties, 0), "hipGetDeviceProperties");
    std::printf("device: %s | %s | %d compute units\n", properties.gcnArchName, properties.name,
                properties.multiProcessorCount);
    if(std::strcmp(name, "vector-add") == 0)
        vector_add();
    else if(std::strcmp(name, "shifts") == 0)
        shifts();
    else if(std::strcmp(name, "lanes") == 0)
        lanes(count > 2 ? static_cast<unsigned>(std::atoi(words[2])) : 32);
    else if(std::strcmp(name, "dpp") == 0)
        dpp();
    else if(std::strcmp(name, "local-atomics") == 0)
        local_atomics();
    else if(std::strcmp(name, "global-atomics") == 0)
        global_atomics();
    else if(std::strcmp(name, "partial-workgroup") == 0)
        return partial_workgroup();
    else if(std::strcmp(name, "buffer") == 0)
        no_buffer();
    else if(std::strcmp(name, "half") == 0)
        halves();
    else
    {
        std::fprintf(stderr,
                     "usage: canaries "
                     "vector-add|shifts|lanes|dpp|local-atomics|global-atomics|partial-workgroup|buffer|half [WAVE]\n");
        return 2;
    }
    return all_right ? 0 : 1;
}
