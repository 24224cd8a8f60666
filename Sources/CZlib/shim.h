// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// zlib's header, and the two functions that exist in it only as macros, which Swift cannot call.
// Nothing here decides anything but the container: windowBits of 15 + 16 is gzip with the largest window (zlib.h).

#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H

#include <zlib.h>

static inline int czlib_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int czlib_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

#endif
