// What the headers decide by themselves for the chip that is compiled for. Their text comes with it.
#include "static_kernel_config.hpp"
#include "static_kernel_amd_buffer_addressing.hpp"

#ifdef CK_BUFFER_RESOURCE_3RD_DWORD
word 3: CK_BUFFER_RESOURCE_3RD_DWORD
#endif
buffer addressing: CK_USE_AMD_BUFFER_ADDRESSING
v_fmac_f32: CK_USE_AMD_V_FMAC_F32
