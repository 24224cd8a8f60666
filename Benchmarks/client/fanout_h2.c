// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The client over HTTP/2: many streams on few connections, by prior knowledge or, in TLS, by ALPN. DATA frames are
// taken apart here, since a general library costs more per frame than the server under test; libnghttp2 decodes the
// field blocks, of which there is one per stream. What arrives goes to measurement.c, which checks each sequence.

#define _GNU_SOURCE
#include "http2_frames.h"
#include "measurement.h"

#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/tcp.h>

// Requests on their way per connection: enough to hide the round trip, few enough not to fill the server's input.
#define REQUESTS_IN_FLIGHT 100
#define RECEIVE_BYTES (1024 * 1024)
#define OUTPUT_MAX (256 * 1024)
// Streams never wait for their windows unless told to: the connection's is what a real client bounds.
#define STREAM_WINDOW 0x7fffffffu
#define SLOW_WINDOW 65535u
#define CONNECTION_WINDOW (16u * 1024 * 1024)

struct connection {
    struct wire wire;
    bool closed, writing;
    struct stream *streams; // its share of all, by (identifier - 1) / 2
    unsigned count, started, in_flight;
    unsigned char *input;
    size_t input_length;
    unsigned char *output;
    size_t output_length, output_sent;
    uint32_t unacknowledged; // DATA of the connection's window not given back
    nghttp2_hd_inflater *inflater;
};

static struct connection *connections;

static void close_stream(struct connection *connection, struct stream *stream) {
    if (stream->link == LINK_CLOSED || stream->link == LINK_NONE) {
        return;
    }
    connection->in_flight -= stream->link == LINK_AWAITING_HEAD;
    stream_ended(stream);
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
    wire_close(&connection->wire);
}

// Output

static void watch(struct connection *connection, bool writing) {
    if (connection->writing == writing) {
        return;
    }
    connection->writing = writing;
    struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(client.poll, EPOLL_CTL_MOD, connection->wire.descriptor, &interest);
}

static void flush(struct connection *connection) {
    while (connection->output_sent < connection->output_length) {
        ssize_t count = wire_send(&connection->wire, connection->output + connection->output_sent,
                                  connection->output_length - connection->output_sent);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            watch(connection, true);
            return;
        }
        if (count <= 0) {
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

static void send_request(struct connection *connection, struct stream *stream) {
    static unsigned char block[4096];
    static size_t length;
    if (length == 0) {
        char authority[64];
        snprintf(authority, sizeof authority, "%s:%u", client.options.host, client.options.port);
        length = put_request(block, client.options.tls, authority, client.options.path);
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

static bool feed(struct stream *stream, const void *bytes, size_t length) {
    enum parse_status status = stream_feed(stream, bytes, length);
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
    feed(stream, head, sizeof head - 1);
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
        ssize_t count = wire_receive(&connection->wire, connection->input + connection->input_length,
                                     RECEIVE_BYTES - connection->input_length);
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
        if ((size_t)count < offered && wire_short_read_is_last(&connection->wire)) {
            return;
        }
    }
}

static void handle(void *data, uint32_t events) {
    struct connection *connection = data;
    if (connection->closed) {
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        receive(connection);
    }
    if (!connection->closed) {
        flush(connection);
    }
}

// Opening

static void open_connection(struct connection *connection, struct stream *streams, unsigned count) {
    connection->count = count;
    connection->streams = streams;
    connection->input = malloc(RECEIVE_BYTES);
    connection->output = malloc(OUTPUT_MAX);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->input == NULL || connection->output == NULL || descriptor < 0 ||
        nghttp2_hd_inflate_new(&connection->inflater) != 0 || !wire_begin(&connection->wire, descriptor)) {
        give_up("set-up");
    }
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(descriptor, (struct sockaddr *)&client.server, sizeof client.server) != 0) {
        give_up("connect");
    }
    if (wire_handshake(&connection->wire) != WIRE_READY) {
        give_up("TLS handshake");
    }
    struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = connection};
    if (epoll_ctl(client.poll, EPOLL_CTL_ADD, descriptor, &interest) != 0) {
        give_up("epoll_ctl");
    }
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    append(connection, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    append_settings(connection, initial_window());
    append_window_update(connection, 0, CONNECTION_WINDOW - 65535);
    flush(connection);
}

static void prepare(void) {
    const struct options *options = &client.options;
    connections = calloc(options->connections, sizeof *connections);
    if (connections == NULL) {
        give_up("set-up");
    }
    struct stream *next = client.streams;
    for (unsigned number = 0; number < options->connections; number++) {
        unsigned share = options->streams / options->connections + (number < options->streams % options->connections);
        open_connection(&connections[number], next, share);
        next += share;
    }
}

static void open_more(void) {
    for (unsigned number = 0; number < client.options.connections; number++) {
        struct connection *connection = &connections[number];
        while (!connection->closed && connection->started < connection->count &&
               connection->in_flight < REQUESTS_IN_FLIGHT) {
            client.started++;
            send_request(connection, &connection->streams[connection->started++]);
        }
        if (!connection->closed) {
            flush(connection);
        }
    }
}

int main(int count, char **arguments) {
    static const struct protocol http2 = {
        .name = "fanout-h2", .alpn = "h2", .prepare = prepare, .open_more = open_more, .handle = handle};
    return measurement_main(count, arguments, &http2);
}
