// What the solvers' host code says about the chip: it names chips of 10.3, 11 and 12 to the kernels, and none of 10.1.
#if defined(__gfx1030__)
#define MIO_BN_GFX103X 1
#else
#define MIO_BN_GFX103X 0
#endif
#define MIO_BN_GFX110X 0
#define MIO_BN_GFX120X 0
