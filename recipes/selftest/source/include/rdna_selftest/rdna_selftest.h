/* SPDX-License-Identifier: MIT */
/* Interface of librdna_selftest: a few GPU operators, a kernel text and an allocator, small enough to read in
 * one sitting. Matrices are row-major; memory is what rdna_selftest_allocate returns; `stream` is a hipStream_t
 * or NULL. */
#ifndef RDNA_SELFTEST_H
#define RDNA_SELFTEST_H

#include <stddef.h>

#if defined(__GNUC__)
#define RDNA_SELFTEST_API __attribute__((visibility("default")))
#else
#define RDNA_SELFTEST_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rdna_selftest_status {
    RDNA_SELFTEST_OK = 0,
    RDNA_SELFTEST_NO_DEVICE = 1,
    RDNA_SELFTEST_OUT_OF_MEMORY = 2,
    RDNA_SELFTEST_INVALID_ARGUMENT = 3,
    RDNA_SELFTEST_DEVICE_ERROR = 4,
    RDNA_SELFTEST_WRONG_RESULT = 5
} rdna_selftest_status;

RDNA_SELFTEST_API const char *rdna_selftest_version(void);
/* Targets the device code was compiled for, separated by `;`. */
RDNA_SELFTEST_API const char *rdna_selftest_targets(void);
RDNA_SELFTEST_API const char *rdna_selftest_status_text(rdna_selftest_status status);

/* Device memory, or host memory the device can reach when the device has none left. */
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_allocate(void **memory, size_t bytes);
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_release(void *memory);

RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_vector_add(
    const float *a, const float *b, float *sum, size_t count, void *stream);
/* One sum per row. */
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_row_sum(
    const float *matrix, float *sums, size_t rows, size_t columns, void *stream);
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_transpose(
    const float *matrix, float *transposed, size_t rows, size_t columns, void *stream);
/* Shifts and scales each row to mean 0 and variance 1; `epsilon` is added to the variance. */
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_block_norm(
    const float *matrix, float *normed, size_t rows, size_t columns, float epsilon, void *stream);

/* The same vector addition, by the kernel of a code object file (lib/rdna-selftest/vector_add-<target>.co). */
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_vector_add_from_file(
    const char *file, const float *a, const float *b, float *sum, size_t count, void *stream);

/* Kernel texts for compilation at run time. A name or text is NULL for an index out of range. */
RDNA_SELFTEST_API size_t rdna_selftest_kernel_count(void);
RDNA_SELFTEST_API const char *rdna_selftest_kernel_name(size_t index);
RDNA_SELFTEST_API const char *rdna_selftest_kernel_text(size_t index, size_t *bytes);

/* Runs every operator on the current device against its host reference. `code_object` may be NULL to leave that
 * one out. On failure `*failed` (may be NULL) names the operator. */
RDNA_SELFTEST_API rdna_selftest_status rdna_selftest_run(const char *code_object, const char **failed);

#ifdef __cplusplus
}
#endif

#endif
