// SPDX-License-Identifier: MIT
//
// Memory, descriptors, refusals.

#include "device.hpp"

#include <algorithm>

// A page: enough to catch a workgroup that goes one row too far, and next to nothing to look at.
static const std::size_t guard = 4096;

void check(miopenStatus_t status, const std::string& function)
{
    if(status == miopenStatusSuccess)
        return;
    const bool unsupported = status == miopenStatusNotImplemented || status == miopenStatusUnsupportedOp;
    throw Refusal{status, miopenGetErrorString(status), function, unsupported};
}

void check(hipError_t status, const std::string& function)
{
    if(status != hipSuccess)
        throw Refusal{status, hipGetErrorString(status), function, false};
}

Memory::Memory(std::size_t bytes) : size(bytes)
{
    CALL(hipMalloc, &start, size + guard);
    wipe();
}

Memory::~Memory() { (void)hipFree(start); }

void Memory::wipe() { CALL(hipMemset, start, 0xff, size + guard); }

void Memory::put(const Bytes& bytes) { CALL(hipMemcpy, start, bytes.data(), bytes.size(), hipMemcpyHostToDevice); }

Bytes Memory::get() const
{
    Bytes bytes(size);
    if(size > 0)
        CALL(hipMemcpy, bytes.data(), start, size, hipMemcpyDeviceToHost);
    return bytes;
}

bool Memory::guarded() const
{
    Bytes behind(guard);
    CALL(hipMemcpy, behind.data(), static_cast<unsigned char*>(start) + size, guard, hipMemcpyDeviceToHost);
    return std::all_of(behind.begin(), behind.end(), [](unsigned char byte) { return byte == 0xff; });
}

miopenDataType_t miopen_type(Type type) { return type == Type::fp32 ? miopenFloat : miopenHalf; }

Descriptor::Descriptor() { CALL(miopenCreateTensorDescriptor, &descriptor); }

Descriptor::Descriptor(Type type, const std::vector<int>& lengths) : Descriptor()
{
    std::vector<int> copy = lengths;
    const int dimensions = static_cast<int>(copy.size());
    if(dimensions == 4)
        CALL(miopenSet4dTensorDescriptor, descriptor, miopen_type(type), copy[0], copy[1], copy[2], copy[3]);
    else
        CALL(miopenSetTensorDescriptor, descriptor, miopen_type(type), dimensions, copy.data(), nullptr);
}

Descriptor::~Descriptor() { (void)miopenDestroyTensorDescriptor(descriptor); }

Tensor::Tensor(Type type, const std::vector<int>& lengths)
    : type(type), lengths(lengths), descriptor(type, lengths), memory(volume(lengths) * size_of(type))
{
}

Tensor::Tensor(Type type, const std::vector<int>& lengths, const Values& values) : Tensor(type, lengths) { put(values); }

std::size_t Tensor::count() const { return volume(lengths); }

void Tensor::put(const Values& values)
{
    held = encode(type, values);
    memory.put(held);
}

bool Tensor::kept() const { return memory.get() == held; }
