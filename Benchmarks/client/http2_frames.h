// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The names and numbers of HTTP/2 frames (RFC 9113 section 6) that the client uses, and how their integers and the
// literal fields of its one kind of request are written.

#ifndef HEADWATER_BENCH_HTTP2_FRAMES_H
#define HEADWATER_BENCH_HTTP2_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_HEADER 9
#define FRAME_MAX 16384

enum frame_type {
    DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION
};
enum { END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, PRIORITIZED = 0x20 };
enum { SETTING_ENABLE_PUSH = 2, SETTING_INITIAL_WINDOW = 4 };

static inline uint32_t read_32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void write_32(unsigned char *bytes, uint32_t value) {
    for (int index = 0; index < 4; index++) {
        bytes[index] = (unsigned char)(value >> (24 - 8 * index));
    }
}

// A literal field without indexing and without Huffman code (RFC 7541 section 6.2.2): 0x0f-prefixed names by index.
static inline size_t put_field(unsigned char *to, unsigned index, const char *value) {
    size_t length = strlen(value), used = 0;
    if (index < 15) {
        to[used++] = (unsigned char)index;
    } else {
        to[used++] = 15;
        to[used++] = (unsigned char)(index - 15);
    }
    if (length < 127) {
        to[used++] = (unsigned char)length;
    } else {
        size_t rest = length - 127;
        to[used++] = 127;
        for (; rest >= 128; rest /= 128) {
            to[used++] = (unsigned char)(rest % 128 + 128);
        }
        to[used++] = (unsigned char)rest;
    }
    memcpy(to + used, value, length);
    return used + length;
}

// The field block of the one kind of request there is.
static inline size_t put_request(unsigned char *block, int tls, const char *authority, const char *path) {
    enum { METHOD_GET = 0x82, SCHEME_HTTP = 0x86, SCHEME_HTTPS = 0x87, AUTHORITY = 1, PATH = 4, ACCEPT = 19 };
    size_t length = 0;
    block[length++] = METHOD_GET;
    block[length++] = tls ? SCHEME_HTTPS : SCHEME_HTTP;
    length += put_field(block + length, PATH, path);
    length += put_field(block + length, AUTHORITY, authority);
    length += put_field(block + length, ACCEPT, "text/event-stream");
    return length;
}

#endif
