// HIP first, as hipRTC has it: workaround_issue_1431.hpp makes a macro of one of its names.
#include <hip/hip_runtime.h>
#include <hip/hip_fp16.h>

// What the host says to the kernels about the chip. It is the patched one, which knows the three of 10.1: the unpatched one
// says nothing about them, which the headers refuse in the same words.
#if defined(__gfx1010__)
#define CK_AMD_GPU_GFX1010
#elif defined(__gfx1011__)
#define CK_AMD_GPU_GFX1011
#elif defined(__gfx1012__)
#define CK_AMD_GPU_GFX1012
#elif defined(__gfx1030__)
#define CK_AMD_GPU_GFX1030
#elif defined(__gfx900__)
#define CK_AMD_GPU_GFX900
#endif

#if defined(__GFX10__)
#define WORKAROUND_ISSUE_1431 1
#endif
