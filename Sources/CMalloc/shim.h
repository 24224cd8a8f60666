// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// mallopt(3) and malloc_trim(3), which Glibc's module for Swift does not have. Empty on systems without them.

#ifndef CMALLOC_SHIM_H
#define CMALLOC_SHIM_H

#ifdef __linux__
#include <features.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#include <stdlib.h>

// Allocates a block and frees it, where a compiler would see that neither is needed.
static inline void cmalloc_allocate_and_free(size_t size) {
    void *volatile block = malloc(size);
    free(block);
}
#endif

#endif
