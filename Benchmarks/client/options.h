// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#ifndef HEADWATER_BENCH_OPTIONS_H
#define HEADWATER_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *host; // an IPv4 address
    uint16_t port;
    const char *path;
    unsigned streams;     // those that read and those that do not
    unsigned slow;        // of these, the first so many never read
    unsigned connections; // HTTP/2: over how many the streams are spread
    unsigned window;      // HTTP/2: initial window of a stream, 0: never in the way
    unsigned data_size;   // bytes of an event's data, 0: any
    unsigned coalesce;    // microseconds slept after a short batch, 0: wake for every event
    double settle;        // seconds between the last head and the window
    double duration;      // seconds of the window
    bool idle;            // no events are expected
    bool tls;
};

// Ends the process with status 64 and a sentence on stderr when the command line is wrong.
struct options options_parse(const char *program, int count, char **arguments);

#endif
