// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What both clients share: a stream's counts, the totals, and the phases of a run (open, settle, window, stragglers,
// result). Lag is arrival minus the `ts` in the data, both CLOCK_REALTIME of one machine.

#ifndef HEADWATER_BENCH_MEASUREMENT_H
#define HEADWATER_BENCH_MEASUREMENT_H

#include "histogram.h"
#include "options.h"
#include "response_parser.h"
#include "wire.h"

#include <netinet/in.h>
#include <time.h>

#define NANOSECONDS 1000000000ull
#define EVENTS_PER_WAIT 512

enum link { LINK_NONE, LINK_CONNECTING, LINK_AWAITING_HEAD, LINK_OPEN, LINK_CLOSED };

struct stream {
    uint8_t link;
    bool slow;
    uint32_t unacknowledged; // HTTP/2 with --window: DATA not given back in WINDOW_UPDATE
    uint64_t first, last;    // sequence numbers, 0: none yet
    uint64_t events, lost, duplicated, disordered;
    struct response_parser parser;
    struct wire wire; // HTTP/1.1: its connection
};

struct measurement {
    const char *name; // of the program, for messages
    struct options options;
    struct sockaddr_in server;
    struct stream *streams;
    int poll;
    unsigned started, opened, refused, closed_early, slow_closed;
    uint64_t malformed, gaps, ends, others, goaways;
    uint64_t events, bytes, highest; // of all streams
    uint64_t now;                    // CLOCK_REALTIME of the bytes in hand
    bool measuring;
    struct histogram lag;
};

extern struct measurement client;

// What the protocols do differently.
struct protocol {
    const char *name; // of the program
    const char *alpn;
    void (*prepare)(void);                 // before the clock of opening starts
    void (*open_more)(void);               // starts as many streams as may be under way
    void (*handle)(void *data, uint32_t events); // one socket is ready
};

// The whole of main().
int measurement_main(int count, char **arguments, const struct protocol *protocol);

uint64_t clock_ns(clockid_t clock);
_Noreturn void give_up(const char *what);

// Feeds body bytes (of HTTP/1.1: the response) of a stream to its parser, and counts what comes out.
enum parse_status stream_feed(struct stream *stream, const void *bytes, size_t length);

// Books the end of a stream that was started.
void stream_ended(struct stream *stream);

#endif
