// SPDX-License-Identifier: MIT
//
// Stands in for the parts of the HIP runtime that MIOpen calls, where there is no GPU: one RX 5600 XT that takes everything
// and computes nothing. Memory of the card is memory of the host, so that copies are real; streams and events are in order
// by themselves; code is taken if it is for the chip, and a launch does nothing. What is not here goes to the real library.
//
//     clang -shared -fPIC -D__HIP_PLATFORM_AMD__ hip.c -o libstand-in.so
//     LD_PRELOAD=./libstand-in.so STAND_IN_FREE=0 program
//
// STAND_IN_TARGET   the chip: gfx1010 where it is missing
// STAND_IN_FREE     how many of the card's 6 GiB are free: all where it is missing. A request for more is refused; what was
//                   given is not counted
//
// What the proofs look for is told on stderr: what was refused, and the flags of memory of the host.

#include <hip/hip_runtime_api.h>

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(const char* what, size_t bytes, unsigned flags, hipError_t status)
{
    fprintf(stderr, "stand-in: %s of %zu bytes, flags 0x%x: %s\n", what, bytes, flags,
            status == hipSuccess ? "given" : "refused");
}

static const size_t memory = (size_t)6 << 30;

static size_t free_memory(void)
{
    const char* bytes = getenv("STAND_IN_FREE");
    return bytes ? strtoull(bytes, NULL, 0) : memory;
}

static void target(char* name, size_t size)
{
    const char* wanted = getenv("STAND_IN_TARGET");
    if(!wanted)
        wanted = "gfx1010";
    // gfx10.1 has xnack, and HIP says that it is off.
    snprintf(name, size, "%s%s", wanted, strncmp(wanted, "gfx101", 6) == 0 ? ":xnack-" : "");
}

// Anything that is not null will do: nobody looks into a stream, an event, a module or a function.
static void* handle(void) { return malloc(1); }

// The device

hipError_t hipInit(unsigned flags)
{
    (void)flags;
    return hipSuccess;
}

hipError_t hipGetDeviceCount(int* count)
{
    *count = 1;
    return hipSuccess;
}

hipError_t hipGetDevice(int* device)
{
    *device = 0;
    return hipSuccess;
}

hipError_t hipSetDevice(int device) { return device == 0 ? hipSuccess : hipErrorInvalidDevice; }

hipError_t hipGetDeviceProperties(hipDeviceProp_t* properties, int device)
{
    (void)device;
    memset(properties, 0, sizeof(*properties));
    strcpy(properties->name, "stand-in");
    target(properties->gcnArchName, sizeof(properties->gcnArchName));
    properties->major = 10;
    properties->minor = 1;
    // 36 compute units: HIP counts pairs of them on RDNA.
    properties->multiProcessorCount = 18;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->totalGlobalMem = memory;
    properties->sharedMemPerBlock = 64 << 10;
    properties->maxSharedMemoryPerMultiProcessor = 64 << 10;
    properties->regsPerBlock = 64 << 10;
    properties->l2CacheSize = 3 << 20;
    properties->clockRate = 1750000;
    properties->memoryClockRate = 875000;
    properties->memoryBusWidth = 192;
    for(int i = 0; i < 3; ++i)
    {
        properties->maxThreadsDim[i] = 1024;
        properties->maxGridSize[i] = i == 0 ? 0x7fffffff : 65536;
    }
    return hipSuccess;
}

hipError_t hipDeviceGetAttribute(int* value, hipDeviceAttribute_t attribute, int device)
{
    hipDeviceProp_t properties;
    hipGetDeviceProperties(&properties, device);
    switch(attribute)
    {
    case hipDeviceAttributeMultiprocessorCount: *value = properties.multiProcessorCount; break;
    case hipDeviceAttributeMaxSharedMemoryPerBlock: *value = (int)properties.sharedMemPerBlock; break;
    case hipDeviceAttributeMaxGridDimX: *value = properties.maxGridSize[0]; break;
    case hipDeviceAttributeWarpSize: *value = properties.warpSize; break;
    // Neither cooperative launches nor memory pools: callers have a way without.
    default: *value = 0; break;
    }
    return hipSuccess;
}

hipError_t hipDeviceTotalMem(size_t* bytes, hipDevice_t device)
{
    (void)device;
    *bytes = memory;
    return hipSuccess;
}

hipError_t hipMemGetInfo(size_t* free, size_t* total)
{
    *free  = free_memory();
    *total = memory;
    return hipSuccess;
}

hipError_t hipDeviceSynchronize(void) { return hipSuccess; }
hipError_t hipGetLastError(void) { return hipSuccess; }
hipError_t hipPeekAtLastError(void) { return hipSuccess; }

// Streams and events

hipError_t hipStreamCreate(hipStream_t* stream)
{
    *stream = handle();
    return hipSuccess;
}

hipError_t hipStreamCreateWithFlags(hipStream_t* stream, unsigned flags)
{
    (void)flags;
    return hipStreamCreate(stream);
}

hipError_t hipStreamDestroy(hipStream_t stream)
{
    free(stream);
    return hipSuccess;
}

hipError_t hipStreamSynchronize(hipStream_t stream)
{
    (void)stream;
    return hipSuccess;
}

hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned flags)
{
    (void)stream, (void)event, (void)flags;
    return hipSuccess;
}

hipError_t hipStreamIsCapturing(hipStream_t stream, hipStreamCaptureStatus* status)
{
    (void)stream;
    *status = hipStreamCaptureStatusNone;
    return hipSuccess;
}

hipError_t hipEventCreate(hipEvent_t* event)
{
    *event = handle();
    return hipSuccess;
}

hipError_t hipEventCreateWithFlags(hipEvent_t* event, unsigned flags)
{
    (void)flags;
    return hipEventCreate(event);
}

hipError_t hipEventDestroy(hipEvent_t event)
{
    free(event);
    return hipSuccess;
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream)
{
    (void)event, (void)stream;
    return hipSuccess;
}

hipError_t hipEventQuery(hipEvent_t event)
{
    (void)event;
    return hipSuccess;
}

hipError_t hipEventSynchronize(hipEvent_t event)
{
    (void)event;
    return hipSuccess;
}

hipError_t hipEventElapsedTime(float* milliseconds, hipEvent_t start, hipEvent_t stop)
{
    (void)start, (void)stop;
    *milliseconds = 1;
    return hipSuccess;
}

// Memory

hipError_t hipMalloc(void** pointer, size_t bytes)
{
    *pointer = NULL;
    if(bytes > free_memory())
    {
        tell("hipMalloc", bytes, 0, hipErrorOutOfMemory);
        return hipErrorOutOfMemory;
    }
    return posix_memalign(pointer, 4096, bytes) == 0 ? hipSuccess : hipErrorOutOfMemory;
}

hipError_t hipFree(void* pointer)
{
    free(pointer);
    return hipSuccess;
}

hipError_t hipHostMalloc(void** pointer, size_t bytes, unsigned flags)
{
    *pointer = NULL;
    const hipError_t status = posix_memalign(pointer, 4096, bytes) == 0 ? hipSuccess : hipErrorOutOfMemory;
    tell("hipHostMalloc", bytes, flags, status);
    return status;
}

hipError_t hipHostFree(void* pointer) { return hipFree(pointer); }

hipError_t hipMemPtrGetInfo(void* pointer, size_t* bytes)
{
    *bytes = malloc_usable_size(pointer);
    return hipSuccess;
}

hipError_t hipMemcpy(void* to, const void* from, size_t bytes, hipMemcpyKind kind)
{
    (void)kind;
    memcpy(to, from, bytes);
    return hipSuccess;
}

hipError_t hipMemcpyAsync(void* to, const void* from, size_t bytes, hipMemcpyKind kind, hipStream_t stream)
{
    (void)stream;
    return hipMemcpy(to, from, bytes, kind);
}

hipError_t hipMemcpyWithStream(void* to, const void* from, size_t bytes, hipMemcpyKind kind, hipStream_t stream)
{
    return hipMemcpyAsync(to, from, bytes, kind, stream);
}

hipError_t hipMemset(void* to, int value, size_t bytes)
{
    memset(to, value, bytes);
    return hipSuccess;
}

hipError_t hipMemsetAsync(void* to, int value, size_t bytes, hipStream_t stream)
{
    (void)stream;
    return hipMemset(to, value, bytes);
}

// Code

// A card takes code for itself only. The low byte of an AMDGPU object's flags is the chip.
static hipError_t check(const unsigned char* image)
{
    static const struct
    {
        const char* name;
        unsigned char mach;
    } known[] = {{"gfx1010", 0x33}, {"gfx1011", 0x34}, {"gfx1012", 0x35}};
    char name[256];
    target(name, sizeof(name));
    // Bundles and compressed ones are taken unseen.
    if(memcmp(image, "\177ELF", 4) != 0)
        return hipSuccess;
    for(size_t i = 0; i < sizeof(known) / sizeof(*known); ++i)
        if(strncmp(name, known[i].name, strlen(known[i].name)) == 0 && image[0x30] != known[i].mach)
        {
            fprintf(stderr, "stand-in: code for chip 0x%x does not run on %s\n", image[0x30], name);
            return hipErrorNoBinaryForGpu;
        }
    return hipSuccess;
}

hipError_t hipModuleLoadData(hipModule_t* module, const void* image)
{
    *module = handle();
    return check(image);
}

hipError_t hipModuleLoad(hipModule_t* module, const char* path)
{
    unsigned char head[64] = {0};
    FILE* file = fopen(path, "rb");
    if(!file)
        return hipErrorFileNotFound;
    const size_t size = fread(head, 1, sizeof(head), file);
    fclose(file);
    if(size < sizeof(head))
        return hipErrorInvalidImage;
    return hipModuleLoadData(module, head);
}

hipError_t hipModuleUnload(hipModule_t module)
{
    free(module);
    return hipSuccess;
}

hipError_t hipModuleGetFunction(hipFunction_t* function, hipModule_t module, const char* name)
{
    (void)name;
    *function = (hipFunction_t)module;
    return hipSuccess;
}

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                                 unsigned block_y, unsigned block_z, unsigned shared, hipStream_t stream, void** arguments,
                                 void** extra)
{
    (void)function, (void)grid_x, (void)grid_y, (void)grid_z, (void)block_x, (void)block_y, (void)block_z, (void)shared;
    (void)stream, (void)arguments, (void)extra;
    return hipSuccess;
}

hipError_t hipModuleLaunchCooperativeKernel(hipFunction_t function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                            unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                                            hipStream_t stream, void** arguments)
{
    return hipModuleLaunchKernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, arguments,
                                 NULL);
}

// hip_ext.h is not for C.
hipError_t hipExtModuleLaunchKernel(hipFunction_t function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x,
                                    uint32_t block_y, uint32_t block_z, size_t shared, hipStream_t stream, void** arguments,
                                    void** extra, hipEvent_t start, hipEvent_t stop, uint32_t flags)
{
    (void)start, (void)stop, (void)flags;
    return hipModuleLaunchKernel(function, x, y, z, block_x, block_y, block_z, (unsigned)shared, stream, arguments, extra);
}
