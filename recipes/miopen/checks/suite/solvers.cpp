// SPDX-License-Identifier: MIT
//
// MIOpen tells a solution's number only. The numbers are the places in its registry (src/solver.cpp), which only ever
// grows at its end: they are the same from 2.20 to 3.5. Of the solvers that need other chips' matrix units there is no name
// here. 8 and 24 were rewritten and renamed late; they go by their older names.

#include "solvers.hpp"

static const struct
{
    std::uint64_t id;
    const char* name;
} known[] = {
    {1, "ConvAsm3x3U"},
    {2, "ConvAsm1x1U"},
    {3, "ConvAsm1x1UV2"},
    {5, "ConvAsm5x10u2v2f1"},
    {6, "ConvAsm5x10u2v2b1"},
    {7, "ConvAsm7x7c3h224w224k64u2v2p3q3f1"},
    {8, "ConvOclDirectFwd11x11"},
    {9, "ConvOclDirectFwdGen"},
    {11, "ConvOclDirectFwd"},
    {13, "ConvOclDirectFwd1x1"},
    {14, "ConvBinWinograd3x3U"},
    {15, "ConvBinWinogradRxS"},
    {16, "ConvAsmBwdWrW3x3"},
    {17, "ConvAsmBwdWrW1x1"},
    {18, "ConvOclBwdWrW2<1>"},
    {19, "ConvOclBwdWrW2<2>"},
    {20, "ConvOclBwdWrW2<4>"},
    {21, "ConvOclBwdWrW2<8>"},
    {22, "ConvOclBwdWrW2<16>"},
    {23, "ConvOclBwdWrW2NonTunable"},
    {24, "ConvOclBwdWrW53"},
    {25, "ConvOclBwdWrW1x1"},
    {26, "ConvHipImplicitGemmV4R1Fwd"},
    {31, "ConvHipImplicitGemmV4R1WrW"},
    {34, "fft"},
    {35, "ConvWinograd3x3MultipassWrW<3-4>"},
    {37, "ConvBinWinogradRxSf3x2"},
    {38, "ConvWinograd3x3MultipassWrW<3-5>"},
    {39, "ConvWinograd3x3MultipassWrW<3-6>"},
    {40, "ConvWinograd3x3MultipassWrW<3-2>"},
    {41, "ConvWinograd3x3MultipassWrW<3-3>"},
    {42, "ConvWinograd3x3MultipassWrW<7-2>"},
    {43, "ConvWinograd3x3MultipassWrW<7-3>"},
    {44, "ConvWinograd3x3MultipassWrW<7-2-1-1>"},
    {45, "ConvWinograd3x3MultipassWrW<7-3-1-1>"},
    {46, "ConvWinograd3x3MultipassWrW<1-1-7-2>"},
    {47, "ConvWinograd3x3MultipassWrW<1-1-7-3>"},
    {48, "ConvWinograd3x3MultipassWrW<5-3>"},
    {49, "ConvWinograd3x3MultipassWrW<5-4>"},
    {53, "ConvBinWinogradRxSf2x3"},
    {54, "ConvHipImplicitGemmV4R4Fwd"},
    {55, "ConvHipImplicitGemmBwdDataV1R1"},
    {56, "ConvHipImplicitGemmBwdDataV4R1"},
    {61, "ConvHipImplicitGemmV4R4WrW"},
    {62, "ConvAsmImplicitGemmV4R1DynamicFwd"},
    {63, "ConvAsmImplicitGemmV4R1DynamicFwd_1x1"},
    {65, "ConvAsmImplicitGemmV4R1DynamicBwd"},
    {66, "ConvAsmImplicitGemmV4R1DynamicWrw"},
    {67, "ConvMPBidirectWinograd<2-3>"},
    {68, "ConvMPBidirectWinograd<3-3>"},
    {69, "ConvMPBidirectWinograd<4-3>"},
    {70, "ConvMPBidirectWinograd<5-3>"},
    {71, "ConvMPBidirectWinograd<6-3>"},
    {84, "ConvBinWinogradRxSf2x3g1"},
    {85, "ConvDirectNaiveConvFwd"},
    {86, "ConvDirectNaiveConvBwd"},
    {87, "ConvDirectNaiveConvWrw"},
    {88, "GemmFwd1x1_0_1"},
    {90, "GemmFwd1x1_0_2"},
    {91, "GemmFwdRest"},
    {95, "GemmBwd1x1_stride2"},
    {96, "GemmBwd1x1_stride1"},
    {97, "GemmBwdRest"},
    {101, "GemmWrw1x1_stride1"},
    {102, "GemmWrwUniversal"},
    {114, "ConvCkIgemmFwdV6r1DlopsNchw"},
};

std::string solution_name(std::uint64_t id)
{
    for(const auto& solver : known)
        if(solver.id == id)
            return std::to_string(id) + " " + solver.name;
    return std::to_string(id);
}
