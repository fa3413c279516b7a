// How src/include/miopen/solver/ck_utility_common.hpp names the chip to Composable Kernel, patched for gfx10.1.
#if defined(__gfx1010__)
#define CK_AMD_GPU_GFX1010 1
#elif defined(__gfx1011__)
#define CK_AMD_GPU_GFX1011 1
#elif defined(__gfx1012__)
#define CK_AMD_GPU_GFX1012 1
#endif
