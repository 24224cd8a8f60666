// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#define _GNU_SOURCE
#include "measurement.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// It ends by itself: opening and the wait for stragglers are bounded here, the window by --duration.
#define OPEN_SECONDS 60
#define GRACE_SECONDS 3

struct measurement client;
static const struct protocol *protocol;

uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

_Noreturn void give_up(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", client.name, what, strerror(errno));
    exit(2);
}

static void count_event(void *context, const struct measured_event *event) {
    struct stream *stream = context;
    switch (event->kind) {
    case EVENT_MEASURED: break;
    case EVENT_MALFORMED: client.malformed++; return;
    case EVENT_GAP: client.gaps++; return;
    case EVENT_END: client.ends++; return;
    case EVENT_OTHER: client.others++; return;
    }
    uint64_t sequence = event->sequence;
    client.events++;
    stream->events++;
    if (client.measuring) {
        histogram_record(&client.lag, client.now > event->published_ns ? client.now - event->published_ns : 0);
    }
    if (stream->first == 0) {
        stream->first = sequence;
    } else if (sequence == stream->last) {
        stream->duplicated++;
        return;
    } else if (sequence < stream->last) {
        stream->disordered++;
        return;
    } else {
        stream->lost += sequence - stream->last - 1;
    }
    stream->last = sequence;
    if (sequence > client.highest) {
        client.highest = sequence;
    }
}

enum parse_status stream_feed(struct stream *stream, const void *bytes, size_t length) {
    client.bytes += length;
    return response_parser_feed(&stream->parser, bytes, length, client.options.data_size, count_event, stream);
}

void stream_ended(struct stream *stream) {
    if (stream->link == LINK_CONNECTING || stream->link == LINK_AWAITING_HEAD) {
        client.refused++;
    } else if (stream->slow) {
        client.slow_closed++;
    } else {
        client.closed_early++;
    }
    response_parser_free(&stream->parser);
    stream->link = LINK_CLOSED;
}

// Handles what is ready; returns how many sockets were.
static int turn(int timeout_ms) {
    struct epoll_event ready[EVENTS_PER_WAIT];
    int count = epoll_wait(client.poll, ready, EVENTS_PER_WAIT, timeout_ms);
    for (int index = 0; index < count; index++) {
        protocol->handle(ready[index].data.ptr, ready[index].events);
    }
    return count < 0 ? 0 : count;
}

// Runs until the time, and then on until the burst in progress is over (at most half a second), so that whoever
// samples the server's CPU at that moment does not cut a burst in two.
static void run_until(uint64_t time) {
    for (;;) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        if (now >= time + NANOSECONDS / 2) {
            return;
        }
        int ready = turn(now >= time ? 2 : (int)((time - now) / 1000000 < 50 ? (time - now) / 1000000 : 50));
        if (ready == 0 && now >= time) {
            return;
        }
        if (client.options.coalesce > 0 && ready > 0 && ready < EVENTS_PER_WAIT / 4) {
            struct timespec pause = {.tv_nsec = (long)client.options.coalesce * 1000};
            nanosleep(&pause, NULL);
        }
    }
}

static double open_streams(void) {
    const struct options *options = &client.options;
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    while (client.opened + client.refused < options->streams) {
        if (clock_ns(CLOCK_MONOTONIC) - begin > OPEN_SECONDS * NANOSECONDS) {
            break;
        }
        protocol->open_more();
        turn(1);
    }
    return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static double own_cpu_seconds(void) { return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9; }

// Streams that still wait for an event which some other stream has had.
static unsigned count_behind(uint64_t sequence) {
    unsigned behind = 0;
    for (unsigned index = 0; index < client.options.streams; index++) {
        const struct stream *stream = &client.streams[index];
        behind += stream->link == LINK_OPEN && !stream->slow && stream->last < sequence;
    }
    return behind;
}

static int report(double window_seconds, uint64_t window_events, double window_cpu, uint64_t window_highest) {
    const struct options *options = &client.options;
    uint64_t lost = 0, duplicated = 0, disordered = 0;
    unsigned silent = 0;
    for (unsigned index = 0; index < options->streams; index++) {
        const struct stream *stream = &client.streams[index];
        lost += stream->lost;
        duplicated += stream->duplicated;
        disordered += stream->disordered;
        silent += stream->link == LINK_OPEN && !stream->slow && stream->events == 0;
    }
    silent = options->idle ? 0 : silent;
    unsigned behind = options->idle ? 0 : count_behind(window_highest);
    unsigned unopened = options->streams - client.opened;
    bool good = lost + duplicated + disordered + client.malformed + client.gaps == 0 &&
                silent + behind + unopened + client.closed_early == 0 && (options->idle || window_events > 0);
    const struct histogram *lag = &client.lag;
    printf("{\"phase\":\"result\",\"good\":%s,\"streams\":%u,\"slow\":%u,\"unopened\":%u,\"closed_early\":%u,"
           "\"slow_closed\":%u,\"lost\":%lu,\"duplicated\":%lu,\"disordered\":%lu,\"malformed\":%lu,\"gaps\":%lu,"
           "\"ends\":%lu,\"others\":%lu,\"silent\":%u,\"behind\":%u,\"goaways\":%lu,\"window_seconds\":%.6f,"
           "\"window_events\":%lu,\"client_cpu_seconds\":%.6f,\"total_events\":%lu,\"total_bytes\":%lu,"
           "\"lag_ns\":{\"count\":%lu,\"mean\":%.0f,\"p50\":%lu,\"p99\":%lu,\"p99.9\":%lu,\"max\":%lu}}\n",
           good ? "true" : "false", options->streams, options->slow, unopened, client.closed_early, client.slow_closed,
           lost, duplicated, disordered, client.malformed, client.gaps, client.ends, client.others, silent, behind,
           client.goaways, window_seconds, window_events, window_cpu, client.events, client.bytes, lag->total,
           lag->total > 0 ? lag->sum / (double)lag->total : 0, histogram_quantile(lag, 0.5),
           histogram_quantile(lag, 0.99), histogram_quantile(lag, 0.999), lag->max);
    return good ? 0 : 1;
}

static void set_up(int count, char **arguments) {
    client.name = protocol->name;
    client.options = options_parse(protocol->name, count, arguments);
    const struct options *options = &client.options;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // never outlive the harness
    signal(SIGPIPE, SIG_IGN);         // OpenSSL writes without MSG_NOSIGNAL
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    client.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &client.server.sin_addr) != 1) {
        fprintf(stderr, "%s: --host %s: not an IPv4 address\n", client.name, options->host);
        exit(64);
    }
    if (options->tls && !wire_use_tls(protocol->alpn)) {
        give_up("TLS");
    }
    client.streams = calloc(options->streams, sizeof *client.streams);
    client.poll = epoll_create1(EPOLL_CLOEXEC);
    if (client.streams == NULL || client.poll < 0) {
        give_up("set-up");
    }
    for (unsigned index = 0; index < options->slow; index++) {
        client.streams[index].slow = true;
    }
}

int measurement_main(int count, char **arguments, const struct protocol *chosen) {
    protocol = chosen;
    set_up(count, arguments);
    const struct options *options = &client.options;
    protocol->prepare();
    double open_seconds = open_streams();
    printf("{\"phase\":\"opened\",\"streams\":%u,\"refused\":%u,\"seconds\":%.6f}\n", client.opened, client.refused,
           open_seconds);
    run_until(clock_ns(CLOCK_MONOTONIC) + (uint64_t)(options->settle * 1e9));

    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    uint64_t events_before = client.events, bytes_before = client.bytes;
    double cpu_before = own_cpu_seconds();
    client.measuring = true;
    printf("{\"phase\":\"window\",\"events\":%lu}\n", client.events);
    run_until(begin + (uint64_t)(options->duration * 1e9));

    double window_seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
    uint64_t window_events = client.events - events_before, highest = client.highest;
    double window_cpu = own_cpu_seconds() - cpu_before;
    client.measuring = false;
    printf("{\"phase\":\"window_end\",\"events\":%lu,\"bytes\":%lu,\"seconds\":%.6f}\n", window_events,
           client.bytes - bytes_before, window_seconds);
    uint64_t last_call = clock_ns(CLOCK_MONOTONIC) + GRACE_SECONDS * NANOSECONDS;
    while (!options->idle && count_behind(highest) > 0 && clock_ns(CLOCK_MONOTONIC) < last_call) {
        turn(20);
    }
    return report(window_seconds, window_events, window_cpu, highest);
}
