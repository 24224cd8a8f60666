// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Opens many streams over few HTTP/2 connections (cleartext, prior knowledge), checks every event of every stream and
// prints the same JSON lines as client/fanout.c. DATA frames are taken apart here, since a general library costs more
// per frame than the server under test; libnghttp2 decodes the field blocks, of which there is one per stream.

#define _GNU_SOURCE
#include "../client/histogram.h"
#include "../client/response_parser.h"
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define OPEN_SECONDS 60
#define GRACE_SECONDS 3
// Requests on their way per connection: enough to hide the round trip, few enough not to fill the server's input.
#define REQUESTS_IN_FLIGHT 100
#define FRAME_HEADER 9
#define FRAME_MAX 16384
#define RECEIVE_BYTES (1024 * 1024)
#define OUTPUT_MAX (256 * 1024)
// Streams never wait for their windows unless told to: the connection's is what a real client bounds.
#define STREAM_WINDOW 0x7fffffffu
#define SLOW_WINDOW 65535u
#define CONNECTION_WINDOW (16u * 1024 * 1024)
#define NANOSECONDS 1000000000ull

enum frame_type {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
};
enum { END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, PRIORITIZED = 0x20 };
enum { SETTING_ENABLE_PUSH = 2, SETTING_INITIAL_WINDOW = 4 };

enum link { LINK_NONE, LINK_AWAITING_HEAD, LINK_OPEN, LINK_CLOSED };

struct stream {
    uint8_t link;
    bool slow;
    uint64_t first, last; // sequence numbers, 0: none yet
    uint64_t events, bytes, lost, duplicated, disordered;
    uint32_t unacknowledged; // DATA not given back in WINDOW_UPDATE; kept only with --window
    struct response_parser parser;
};

struct connection {
    int descriptor;
    bool closed, writing;
    struct stream *streams; // by (identifier - 1) / 2
    unsigned count, started, in_flight;
    unsigned char *input;
    size_t input_length;
    unsigned char *output;
    size_t output_length, output_sent;
    uint32_t unacknowledged; // DATA of the connection's window not given back
    nghttp2_hd_inflater *inflater;
};

static struct {
    struct options options;
    struct sockaddr_in server;
    struct connection *connections;
    int poll;
    unsigned started, opened, refused, closed_early, slow_closed;
    uint64_t malformed, gaps, ends, others, frames, goaways;
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
    fprintf(stderr, "fanout-h2: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint32_t read_32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_32(unsigned char *bytes, uint32_t value) {
    for (int index = 0; index < 4; index++) {
        bytes[index] = (unsigned char)(value >> (24 - 8 * index));
    }
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

static void close_stream(struct connection *connection, struct stream *stream) {
    if (stream->link == LINK_CLOSED || stream->link == LINK_NONE) {
        return;
    }
    if (stream->link == LINK_AWAITING_HEAD) {
        connection->in_flight--;
        client.refused++;
    } else if (stream->slow) {
        client.slow_closed++;
    } else {
        client.closed_early++;
    }
    response_parser_free(&stream->parser);
    stream->link = LINK_CLOSED;
}

static void close_connection(struct connection *connection) {
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    for (unsigned index = 0; index < connection->started; index++) {
        close_stream(connection, &connection->streams[index]);
    }
    client.refused += connection->count - connection->started;
    client.started += connection->count - connection->started;
    close(connection->descriptor);
}

// Output

static void watch(struct connection *connection, bool writing) {
    if (connection->writing == writing) {
        return;
    }
    connection->writing = writing;
    struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(client.poll, EPOLL_CTL_MOD, connection->descriptor, &interest);
}

static void flush(struct connection *connection) {
    while (connection->output_sent < connection->output_length) {
        ssize_t count = send(connection->descriptor, connection->output + connection->output_sent,
                             connection->output_length - connection->output_sent, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            watch(connection, true);
            return;
        }
        if (count < 0) {
            close_connection(connection);
            return;
        }
        connection->output_sent += (size_t)count;
    }
    connection->output_sent = connection->output_length = 0;
    watch(connection, false);
}

static void append(struct connection *connection, const void *bytes, size_t length) {
    if (connection->output_length + length > OUTPUT_MAX) {
        flush(connection);
    }
    if (connection->closed) {
        return;
    }
    if (connection->output_length + length > OUTPUT_MAX) {
        fprintf(stderr, "fanout-h2: the server does not read\n");
        close_connection(connection);
        return;
    }
    memcpy(connection->output + connection->output_length, bytes, length);
    connection->output_length += length;
}

static void append_frame(struct connection *connection, enum frame_type type, unsigned flags, uint32_t stream,
                         const void *payload, size_t length) {
    unsigned char header[FRAME_HEADER] = {(unsigned char)(length >> 16), (unsigned char)(length >> 8),
                                          (unsigned char)length, (unsigned char)type, (unsigned char)flags};
    write_32(header + 5, stream);
    append(connection, header, sizeof header);
    append(connection, payload, length);
}

static void append_window_update(struct connection *connection, uint32_t stream, uint32_t increment) {
    unsigned char payload[4];
    write_32(payload, increment);
    append_frame(connection, WINDOW_UPDATE, 0, stream, payload, sizeof payload);
}

// The window that a slow stream has for all its life, and any other until its request has been sent.
static uint32_t initial_window(void) {
    return client.options.window > 0 ? client.options.window : client.options.slow > 0 ? SLOW_WINDOW : STREAM_WINDOW;
}

static void append_settings(struct connection *connection, uint32_t initial_window) {
    unsigned char payload[12] = {0, SETTING_ENABLE_PUSH, 0, 0, 0, 0, 0, SETTING_INITIAL_WINDOW};
    write_32(payload + 8, initial_window);
    append_frame(connection, SETTINGS, 0, 0, payload, sizeof payload);
}

// A literal field without indexing and without Huffman code (RFC 7541 section 6.2.2): 0x0f-prefixed names by index.
static size_t put_field(unsigned char *to, unsigned index, const char *value) {
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

static void send_request(struct connection *connection, struct stream *stream) {
    enum { METHOD_GET = 0x82, SCHEME_HTTP = 0x86, AUTHORITY = 1, PATH = 4, ACCEPT = 19 };
    static unsigned char block[4096];
    static size_t length;
    if (length == 0) {
        char authority[64];
        snprintf(authority, sizeof authority, "%s:%u", client.options.host, client.options.port);
        block[length++] = METHOD_GET;
        block[length++] = SCHEME_HTTP;
        length += put_field(block + length, PATH, client.options.path);
        length += put_field(block + length, AUTHORITY, authority);
        length += put_field(block + length, ACCEPT, "text/event-stream");
    }
    uint32_t identifier = 2 * (uint32_t)(stream - connection->streams) + 1;
    append_frame(connection, HEADERS, END_HEADERS | END_STREAM, identifier, block, length);
    if (client.options.window == 0 && !stream->slow && initial_window() < STREAM_WINDOW) {
        append_window_update(connection, identifier, STREAM_WINDOW - initial_window());
    }
    stream->link = LINK_AWAITING_HEAD;
    connection->in_flight++;
}

// Input

static struct stream *find(struct connection *connection, uint32_t identifier) {
    uint32_t index = (identifier - 1) / 2;
    return identifier % 2 == 1 && index < connection->started ? &connection->streams[index] : NULL;
}

static bool feed(struct stream *stream, const unsigned char *bytes, size_t length) {
    enum parse_status status = response_parser_feed(&stream->parser, (const char *)bytes, length,
                                                    client.options.data_size, count_event, stream);
    client.malformed += status != PARSE_MORE;
    return status == PARSE_MORE;
}

// Decodes a field block for its `:status`; all of it, since the table belongs to the connection.
static int read_status(struct connection *connection, const unsigned char *block, size_t length) {
    int status = 0;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(connection->inflater, &field, &flags, block, length, 1);
        if (used < 0) {
            return -1;
        }
        block += used;
        length -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && field.namelen == 7 && memcmp(field.name, ":status", 7) == 0) {
            status = atoi((const char *)field.value);
        }
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            nghttp2_hd_inflate_end_headers(connection->inflater);
            return status;
        }
    }
}

static bool take_head(struct connection *connection, struct stream *stream, unsigned flags,
                      const unsigned char *payload, size_t length) {
    // Our servers send field blocks of one frame, without padding and priority; anything else is worth stopping for.
    if (!(flags & END_HEADERS) || flags & (PADDED | PRIORITIZED)) {
        fprintf(stderr, "fanout-h2: HEADERS with flags %#x\n", flags);
        return false;
    }
    int status = read_status(connection, payload, length);
    if (status < 0) {
        return false;
    }
    if (stream == NULL || stream->link != LINK_AWAITING_HEAD) {
        return true;
    }
    if (status != 200) {
        close_stream(connection, stream);
        return true;
    }
    // The parser reads a response of HTTP/1.1: this head says that the body goes on until the end.
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    feed(stream, (const unsigned char *)head, sizeof head - 1);
    stream->link = LINK_OPEN;
    connection->in_flight--;
    client.opened++;
    return true;
}

static bool take_data(struct connection *connection, struct stream *stream, uint32_t identifier, unsigned flags,
                      const unsigned char *payload, size_t length) {
    connection->unacknowledged += (uint32_t)length;
    if (connection->unacknowledged >= CONNECTION_WINDOW / 2) {
        append_window_update(connection, 0, connection->unacknowledged);
        connection->unacknowledged = 0;
    }
    if (stream == NULL || stream->link != LINK_OPEN) {
        return true;
    }
    client.bytes += length;
    stream->bytes += length;
    if (flags & PADDED || !feed(stream, payload, length)) {
        return false;
    }
    if (client.options.window > 0 && !stream->slow) {
        stream->unacknowledged += (uint32_t)length;
        if (stream->unacknowledged * 2 >= client.options.window) {
            append_window_update(connection, identifier, stream->unacknowledged);
            stream->unacknowledged = 0;
        }
    }
    return true;
}

static bool take_frame(struct connection *connection, enum frame_type type, unsigned flags, uint32_t identifier,
                       const unsigned char *payload, size_t length) {
    client.frames++;
    struct stream *stream = find(connection, identifier);
    switch (type) {
    case DATA:
        if (!take_data(connection, stream, identifier, flags, payload, length)) {
            return false;
        }
        break;
    case HEADERS:
        if (!take_head(connection, stream, flags, payload, length)) {
            return false;
        }
        break;
    case RST_STREAM: flags = END_STREAM; break;
    case SETTINGS:
        if (!(flags & ACK)) {
            append_frame(connection, SETTINGS, ACK, 0, "", 0);
        }
        return true;
    case PING:
        if (!(flags & ACK) && length == 8) {
            append_frame(connection, PING, ACK, 0, payload, length);
        }
        return true;
    case GOAWAY:
        client.goaways++;
        if (length >= 8 && read_32(payload + 4) != 0) {
            fprintf(stderr, "fanout-h2: GOAWAY with code %u: %.*s\n", read_32(payload + 4), (int)length - 8,
                    payload + 8);
        }
        return true;
    case CONTINUATION:
    case PUSH_PROMISE: return false;
    default: return true;
    }
    if (flags & END_STREAM && stream != NULL) {
        close_stream(connection, stream);
    }
    return true;
}

static void receive(struct connection *connection) {
    while (!connection->closed) {
        ssize_t count = recv(connection->descriptor, connection->input + connection->input_length,
                             RECEIVE_BYTES - connection->input_length, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (count <= 0) {
            close_connection(connection);
            return;
        }
        client.now = clock_ns(CLOCK_REALTIME);
        size_t offered = RECEIVE_BYTES - connection->input_length;
        size_t length = connection->input_length + (size_t)count;
        const unsigned char *cursor = connection->input, *end = connection->input + length;
        while (end - cursor >= FRAME_HEADER) {
            size_t payload = (size_t)cursor[0] << 16 | (size_t)cursor[1] << 8 | cursor[2];
            if (payload > FRAME_MAX) {
                fprintf(stderr, "fanout-h2: a frame of %zu bytes\n", payload);
                close_connection(connection);
                return;
            }
            if ((size_t)(end - cursor) < FRAME_HEADER + payload) {
                break;
            }
            if (!take_frame(connection, cursor[3], cursor[4], read_32(cursor + 5) & 0x7fffffff, cursor + FRAME_HEADER,
                            payload)) {
                close_connection(connection);
                return;
            }
            cursor += FRAME_HEADER + payload;
        }
        connection->input_length = (size_t)(end - cursor);
        memmove(connection->input, cursor, connection->input_length);
        if ((size_t)count < offered) {
            return;
        }
    }
}

static int turn(int timeout_ms) {
    struct epoll_event ready[64];
    int count = epoll_wait(client.poll, ready, 64, timeout_ms);
    for (int index = 0; index < count; index++) {
        struct connection *connection = ready[index].data.ptr;
        if (ready[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
            receive(connection);
        }
        if (!connection->closed) {
            flush(connection);
        }
    }
    return count < 0 ? 0 : count;
}

// As in client/fanout.c: on until the burst in progress is over, so that no burst is cut in two.
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
        if (client.options.coalesce > 0 && ready > 0) {
            struct timespec pause = {.tv_nsec = (long)client.options.coalesce * 1000};
            nanosleep(&pause, NULL);
        }
    }
}

// Opening

static void open_connection(struct connection *connection, unsigned count) {
    connection->count = count;
    connection->streams = calloc(count, sizeof *connection->streams);
    connection->input = malloc(RECEIVE_BYTES);
    connection->output = malloc(OUTPUT_MAX);
    connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->streams == NULL || connection->input == NULL || connection->output == NULL ||
        connection->descriptor < 0 || nghttp2_hd_inflate_new(&connection->inflater) != 0) {
        give_up("set-up");
    }
    int one = 1;
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(connection->descriptor, (struct sockaddr *)&client.server, sizeof client.server) != 0) {
        give_up("connect");
    }
    struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
    if (epoll_ctl(client.poll, EPOLL_CTL_ADD, connection->descriptor, &interest) != 0) {
        give_up("epoll_ctl");
    }
    fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
    append(connection, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    append_settings(connection, initial_window());
    append_window_update(connection, 0, CONNECTION_WINDOW - 65535);
    flush(connection);
}

static double open_streams(void) {
    const struct options *options = &client.options;
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    unsigned slow_left = options->slow;
    while (client.opened + client.refused < options->streams) {
        uint64_t elapsed = clock_ns(CLOCK_MONOTONIC) - begin;
        if (elapsed > OPEN_SECONDS * NANOSECONDS) {
            break;
        }
        uint64_t allowed = options->ramp == 0 ? options->streams : elapsed * options->ramp / NANOSECONDS + 1;
        for (unsigned number = 0; number < options->connections; number++) {
            struct connection *connection = &client.connections[number];
            while (!connection->closed && connection->started < connection->count && client.started < allowed &&
                   connection->in_flight < REQUESTS_IN_FLIGHT) {
                struct stream *stream = &connection->streams[connection->started++];
                client.started++;
                stream->slow = slow_left > 0;
                slow_left -= stream->slow;
                send_request(connection, stream);
            }
            if (!connection->closed) {
                flush(connection);
            }
        }
        turn(1);
    }
    return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static double own_cpu_seconds(void) {
    return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

// Streams that still wait for an event which some other stream has had.
static unsigned count_behind(uint64_t sequence) {
    unsigned behind = 0;
    for (unsigned number = 0; number < client.options.connections; number++) {
        const struct connection *connection = &client.connections[number];
        for (unsigned index = 0; index < connection->started; index++) {
            const struct stream *stream = &connection->streams[index];
            behind += stream->link == LINK_OPEN && !stream->slow && stream->last < sequence;
        }
    }
    return behind;
}

static int report(double window_seconds, uint64_t window_events, double window_cpu, uint64_t window_highest) {
    const struct options *options = &client.options;
    uint64_t lost = 0, duplicated = 0, disordered = 0;
    unsigned silent = 0;
    for (unsigned number = 0; number < options->connections; number++) {
        const struct connection *connection = &client.connections[number];
        for (unsigned index = 0; index < connection->started; index++) {
            const struct stream *stream = &connection->streams[index];
            lost += stream->lost;
            duplicated += stream->duplicated;
            disordered += stream->disordered;
            silent += stream->link == LINK_OPEN && !stream->slow && stream->events == 0;
        }
    }
    silent = options->idle ? 0 : silent;
    unsigned behind = options->idle ? 0 : count_behind(window_highest);
    unsigned unopened = options->streams - client.opened;
    bool good = lost + duplicated + disordered + client.malformed + client.gaps == 0 &&
                silent + behind + unopened + client.closed_early == 0 && (options->idle || window_events > 0);
    const struct histogram *lag = &client.lag;
    printf("{\"phase\":\"result\",\"good\":%s,\"streams\":%u,\"connections\":%u,\"slow\":%u,\"unopened\":%u,"
           "\"closed_early\":%u,\"slow_closed\":%u,\"lost\":%lu,\"duplicated\":%lu,\"disordered\":%lu,"
           "\"malformed\":%lu,\"gaps\":%lu,\"ends\":%lu,\"others\":%lu,\"silent\":%u,\"behind\":%u,"
           "\"goaways\":%lu,\"frames\":%lu,\"window_seconds\":%.6f,\"window_events\":%lu,"
           "\"client_cpu_seconds\":%.6f,\"total_events\":%lu,\"total_bytes\":%lu,"
           "\"lag_ns\":{\"count\":%lu,\"mean\":%.0f,\"p50\":%lu,\"p99\":%lu,\"p99.9\":%lu,\"max\":%lu}}\n",
           good ? "true" : "false", options->streams, options->connections, options->slow, unopened,
           client.closed_early, client.slow_closed, lost, duplicated, disordered, client.malformed, client.gaps,
           client.ends, client.others, silent, behind, client.goaways, client.frames, window_seconds, window_events,
           window_cpu, client.events, client.bytes, lag->total, lag->total > 0 ? lag->sum / (double)lag->total : 0,
           histogram_quantile(lag, 0.5), histogram_quantile(lag, 0.99), histogram_quantile(lag, 0.999), lag->max);
    return good ? 0 : 1;
}

int main(int count, char **arguments) {
    client.options = options_parse(count, arguments);
    const struct options *options = &client.options;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // never outlive the harness
    setvbuf(stdout, NULL, _IOLBF, 0);
    client.server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &client.server.sin_addr) != 1) {
        fprintf(stderr, "fanout-h2: --host %s: not an IPv4 address\n", options->host);
        return 64;
    }
    client.connections = calloc(options->connections, sizeof *client.connections);
    client.poll = epoll_create1(EPOLL_CLOEXEC);
    if (client.connections == NULL || client.poll < 0) {
        give_up("set-up");
    }
    for (unsigned number = 0; number < options->connections; number++) {
        unsigned share = options->streams / options->connections + (number < options->streams % options->connections);
        open_connection(&client.connections[number], share);
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
    return report(window_seconds, window_events, window_cpu, highest);
}
