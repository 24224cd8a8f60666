// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A non-blocking socket, with or without TLS on it: the calls answer as recv() and send() do, so that whoever reads
// and writes need not know. Certificates are not verified: the servers under test make their own.

#ifndef HEADWATER_BENCH_WIRE_H
#define HEADWATER_BENCH_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
    int descriptor;
    SSL *tls; // NULL: cleartext
};

enum wire_progress { WIRE_READY, WIRE_LATER, WIRE_FAILED };

// Makes every wire that begins from now on speak TLS, with this protocol in ALPN. False if OpenSSL cannot.
bool wire_use_tls(const char *protocol);

// Takes the connected socket over; the wire must be zeroed or closed.
bool wire_begin(struct wire *wire, int descriptor);

// Goes on with the TLS handshake; at once WIRE_READY without TLS.
enum wire_progress wire_handshake(struct wire *wire);

// -1 with EAGAIN in errno when there is nothing to read or no room, 0 at the peer's end.
ssize_t wire_receive(struct wire *wire, void *bytes, size_t length);
ssize_t wire_send(struct wire *wire, const void *bytes, size_t length);

// True if a read of fewer bytes than asked for shows that the socket is empty.
static inline bool wire_short_read_is_last(const struct wire *wire) { return wire->tls == NULL; }

void wire_close(struct wire *wire);

#endif
