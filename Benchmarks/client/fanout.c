// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The client of every benchmark: one thread, edge-triggered epoll. It opens streams, checks each one's sequence, and
// measures lag as arrival minus the `ts` in the data, both CLOCK_REALTIME of one machine. It ends by itself: opening
// is bounded by OPEN_SECONDS, the window by --duration, the wait for stragglers by GRACE_SECONDS.

#define _GNU_SOURCE
#include "histogram.h"
#include "options.h"
#include "response_parser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define OPEN_SECONDS 60
#define GRACE_SECONDS 3
// Below the smallest accept queue of the servers compared (SwiftNIO's 256), or connects would wait for a SYN's
// retransmission.
#define CONNECTS_IN_FLIGHT 128
// Far below the 28,000 ephemeral ports of a default Linux, of which connect() first tries every second one: it probes
// them in turn, which takes longer than the rest of the connect once half of those are in use.
#define STREAMS_PER_SOURCE_ADDRESS 4000
#define EVENTS_PER_WAIT 512
#define RECEIVE_BYTES (256 * 1024)
#define NANOSECONDS 1000000000ull

enum link { LINK_NONE, LINK_CONNECTING, LINK_AWAITING_HEAD, LINK_OPEN, LINK_CLOSED };

struct stream {
    int descriptor;
    uint8_t link;
    bool slow;
    uint64_t first, last; // sequence numbers, 0: none yet
    uint64_t events, bytes, lost, duplicated, disordered;
    struct response_parser parser;
};

static struct {
    struct options options;
    struct sockaddr_in server;
    struct stream *streams;
    int poll;
    unsigned started, opened, in_flight, refused, closed_early, slow_closed;
    uint64_t malformed, gaps, ends, others;
    uint64_t events, bytes, highest; // of all streams
    uint64_t now;                    // CLOCK_REALTIME of the bytes in hand
    bool measuring;
    struct histogram lag;
} client;

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "fanout: %s: %s\n", what, strerror(errno));
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

static void close_stream(struct stream *stream) {
    if (stream->link == LINK_CONNECTING || stream->link == LINK_AWAITING_HEAD) {
        client.in_flight--;
        client.refused++;
    } else if (stream->slow) {
        client.slow_closed++;
    } else {
        client.closed_early++;
    }
    close(stream->descriptor);
    response_parser_free(&stream->parser);
    stream->link = LINK_CLOSED;
}

static void mark_open(struct stream *stream) {
    stream->link = LINK_OPEN;
    client.in_flight--;
    client.opened++;
}

static void start_stream(struct stream *stream, unsigned index) {
    stream->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->descriptor < 0) {
        give_up("socket (raise the limit of open files: ulimit -n)");
    }
    int one = 1;
    if (ntohl(client.server.sin_addr.s_addr) >> 24 == 127) {
        struct sockaddr_in source = {.sin_family = AF_INET};
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / STREAMS_PER_SOURCE_ADDRESS);
        // The port is chosen at connect(), where only the four-tuple must be unique.
        setsockopt(stream->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(stream->descriptor, (struct sockaddr *)&source, sizeof source) != 0) {
            give_up("bind to a loopback address");
        }
    }
    if (stream->slow) {
        // Small segments keep the server's send buffer small too (Linux sizes it from the segment), so that it notices
        // the unread bytes within a run rather than after megabytes.
        int segment = 536, window = 2048;
        setsockopt(stream->descriptor, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        setsockopt(stream->descriptor, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    }
    client.in_flight++;
    stream->link = LINK_CONNECTING;
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = stream};
    int failed = connect(stream->descriptor, (struct sockaddr *)&client.server, sizeof client.server);
    if (failed && errno != EINPROGRESS) {
        close_stream(stream);
    } else if (epoll_ctl(client.poll, EPOLL_CTL_ADD, stream->descriptor, &interest) != 0) {
        give_up("epoll_ctl");
    }
}

static void send_request(struct stream *stream) {
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s:%u\r\nAccept: text/event-stream\r\n\r\n", client.options.path,
                          client.options.host, client.options.port);
    if (length >= (int)sizeof request || send(stream->descriptor, request, (size_t)length, MSG_NOSIGNAL) != length) {
        close_stream(stream);
        return;
    }
    stream->link = LINK_AWAITING_HEAD;
    if (stream->slow) {
        mark_open(stream);
    }
}

static void receive(struct stream *stream, bool until_end) {
    static char buffer[RECEIVE_BYTES];
    for (;;) {
        ssize_t count = recv(stream->descriptor, buffer, sizeof buffer, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (count <= 0) {
            close_stream(stream);
            return;
        }
        client.now = clock_ns(CLOCK_REALTIME);
        client.bytes += (uint64_t)count;
        stream->bytes += (uint64_t)count;
        enum parse_status status = response_parser_feed(&stream->parser, buffer, (size_t)count,
                                                        client.options.data_size, count_event, stream);
        if (stream->link == LINK_AWAITING_HEAD && response_parser_is_open(&stream->parser)) {
            mark_open(stream);
        }
        if (status != PARSE_MORE) {
            client.malformed += status == PARSE_BAD_CHUNK || status == PARSE_TOO_LONG;
            close_stream(stream);
            return;
        }
        // A short read has emptied the socket, and the next bytes are a new edge; a FIN that came with them is not.
        if ((size_t)count < sizeof buffer && !until_end) {
            return;
        }
    }
}

static void handle(struct stream *stream, uint32_t events) {
    if (stream->link == LINK_CLOSED) {
        return;
    }
    bool ended = events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP);
    if (stream->link == LINK_CONNECTING && (events & EPOLLOUT) && !(events & (EPOLLERR | EPOLLHUP))) {
        send_request(stream);
    }
    if (stream->slow || stream->link == LINK_CONNECTING) {
        if (ended) {
            close_stream(stream);
        }
    } else if (stream->link != LINK_CLOSED && (events & EPOLLIN || ended)) {
        receive(stream, ended);
    }
}

// Handles what is ready; returns how many sockets were.
static int turn(int timeout_ms) {
    struct epoll_event ready[EVENTS_PER_WAIT];
    int count = epoll_wait(client.poll, ready, EVENTS_PER_WAIT, timeout_ms);
    for (int index = 0; index < count; index++) {
        handle(ready[index].data.ptr, ready[index].events);
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
        uint64_t elapsed = clock_ns(CLOCK_MONOTONIC) - begin;
        if (elapsed > OPEN_SECONDS * NANOSECONDS) {
            break;
        }
        uint64_t allowed = options->ramp == 0 ? options->streams : elapsed * options->ramp / NANOSECONDS + 1;
        while (client.started < options->streams && client.started < allowed &&
               client.in_flight < CONNECTS_IN_FLIGHT) {
            client.streams[client.started].slow = client.started < options->slow;
            start_stream(&client.streams[client.started], client.started);
            client.started++;
        }
        turn(1);
    }
    return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static double own_cpu_seconds(void) {
    return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static void write_csv(const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        give_up(path);
    }
    fprintf(file, "stream,slow,closed,first,last,events,bytes,lost,duplicated,disordered\n");
    for (unsigned index = 0; index < client.options.streams; index++) {
        const struct stream *stream = &client.streams[index];
        fprintf(file, "%u,%d,%d,%lu,%lu,%lu,%lu,%lu,%lu,%lu\n", index, stream->slow, stream->link == LINK_CLOSED,
                stream->first, stream->last, stream->events, stream->bytes, stream->lost, stream->duplicated,
                stream->disordered);
    }
    if (fclose(file) != 0) {
        give_up(path);
    }
}

// Streams that still wait for an event which some other stream has had.
static unsigned count_behind(uint64_t sequence) {
    unsigned behind = 0;
    for (unsigned index = 0; index < client.started; index++) {
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
           "\"ends\":%lu,\"others\":%lu,\"silent\":%u,\"behind\":%u,\"window_seconds\":%.6f,\"window_events\":%lu,"
           "\"client_cpu_seconds\":%.6f,\"total_events\":%lu,\"total_bytes\":%lu,"
           "\"lag_ns\":{\"count\":%lu,\"mean\":%.0f,\"p50\":%lu,\"p99\":%lu,\"p99.9\":%lu,\"max\":%lu}}\n",
           good ? "true" : "false", options->streams, options->slow, unopened, client.closed_early, client.slow_closed,
           lost, duplicated, disordered, client.malformed, client.gaps, client.ends, client.others, silent, behind,
           window_seconds, window_events, window_cpu, client.events, client.bytes, lag->total,
           lag->total > 0 ? lag->sum / (double)lag->total : 0, histogram_quantile(lag, 0.5),
           histogram_quantile(lag, 0.99), histogram_quantile(lag, 0.999), lag->max);
    return good ? 0 : 1;
}

int main(int count, char **arguments) {
    client.options = options_parse(count, arguments);
    const struct options *options = &client.options;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // never outlive the harness
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    client.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &client.server.sin_addr) != 1) {
        fprintf(stderr, "fanout: --host %s: not an IPv4 address\n", options->host);
        return 64;
    }
    client.streams = calloc(options->streams, sizeof *client.streams);
    client.poll = epoll_create1(EPOLL_CLOEXEC);
    if (client.streams == NULL || client.poll < 0) {
        give_up("set-up");
    }

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
    if (options->csv != NULL) {
        write_csv(options->csv);
    }
    return report(window_seconds, window_events, window_cpu, highest);
}
