// What config.hpp decides for a GPU, one line for each decision.
#include "config.hpp"

#ifdef CK_BUFFER_RESOURCE_3RD_DWORD
word 3: CK_BUFFER_RESOURCE_3RD_DWORD
#else
word 3: none
#endif

#ifdef CK_USE_AMD_V_MAC_F32
v_mac_f32: yes
#else
v_mac_f32: no
#endif

#ifdef CK_USE_AMD_V_FMAC_F32
v_fmac_f32: yes
#else
v_fmac_f32: no
#endif

#ifdef CK_USE_AMD_V_DOT2_F32_F16
v_dot2_f32_f16: yes
#else
v_dot2_f32_f16: no
#endif

#ifdef CK_USE_AMD_V_DOT4_I32_I8
v_dot4_i32_i8: yes
#else
v_dot4_i32_i8: no
#endif

buffer addressing: CK_USE_AMD_BUFFER_ADDRESSING
atomic add of float in buffers: CK_USE_AMD_BUFFER_ATOMIC_FADD
XDLOPS: CK_USE_AMD_XDLOPS
