// SPDX-License-Identifier: MIT
//
// Memory of the card and descriptors of MIOpen, owned. Every call of a library goes through `call`, so that a refusal says
// which one it was.

#pragma once

#include <hip/hip_runtime_api.h>
#include <miopen/miopen.h>

#include <string>
#include <vector>

#include "number.hpp"

// Thrown where a library says no.
struct Refusal
{
    int status;
    std::string text;
    std::string function;
    // MIOpen has no such primitive, or not for this.
    bool unsupported;
};

void check(miopenStatus_t status, const std::string& function);
void check(hipError_t status, const std::string& function);

#define CALL(function, ...) check(function(__VA_ARGS__), #function)

// Bytes on the card with a guard zone behind them. All of it is 0xff at first: for fp32 and fp16 that is not a number.
class Memory
{
public:
    explicit Memory(std::size_t bytes);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    // Null where there are no bytes, which is what MIOpen wants of an empty workspace.
    void* place() const { return size == 0 ? nullptr : start; }
    std::size_t bytes() const { return size; }

    void wipe();
    void put(const Bytes& bytes);
    Bytes get() const;

    // Nothing wrote behind the bytes.
    bool guarded() const;

private:
    std::size_t size;
    void* start = nullptr;
};

class Descriptor
{
public:
    Descriptor();
    Descriptor(Type type, const std::vector<int>& lengths);
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    operator miopenTensorDescriptor_t() const { return descriptor; }

private:
    miopenTensorDescriptor_t descriptor = nullptr;
};

// A packed tensor on the card.
class Tensor
{
public:
    // Lengths in order n, c, h, w, or whatever the primitive wants.
    Tensor(Type type, const std::vector<int>& lengths);
    // An input: the values are put onto the card, and are known to be there afterwards.
    Tensor(Type type, const std::vector<int>& lengths, const Values& values);

    const Type type;
    const std::vector<int> lengths;
    const Descriptor descriptor;
    Memory memory;

    void* place() const { return memory.place(); }
    std::size_t count() const;
    void put(const Values& values);
    // The bytes are still those that were put.
    bool kept() const;

private:
    Bytes held;
};

miopenDataType_t miopen_type(Type type);
