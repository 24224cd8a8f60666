// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The client over HTTP/1.1, one connection for each stream: one thread, edge-triggered epoll. It opens streams and
// hands what arrives to measurement.c, which checks each one's sequence.

#define _GNU_SOURCE
#include "measurement.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/tcp.h>

// Below the smallest accept queue of the servers compared (SwiftNIO's 256), or connects would wait for a SYN's
// retransmission.
#define CONNECTS_IN_FLIGHT 128
// Far below the 28,000 ephemeral ports of a default Linux, of which connect() first tries every second one: it probes
// them in turn, which takes longer than the rest of the connect once half of those are in use.
#define STREAMS_PER_SOURCE_ADDRESS 4000
#define RECEIVE_BYTES (256 * 1024)

static unsigned in_flight;

static void close_stream(struct stream *stream) {
    in_flight -= stream->link == LINK_CONNECTING || stream->link == LINK_AWAITING_HEAD;
    wire_close(&stream->wire);
    stream_ended(stream);
}

static void mark_open(struct stream *stream) {
    stream->link = LINK_OPEN;
    in_flight--;
    client.opened++;
}

static void start_stream(struct stream *stream, unsigned index) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        give_up("socket (raise the limit of open files: ulimit -n)");
    }
    int one = 1;
    if (ntohl(client.server.sin_addr.s_addr) >> 24 == 127) {
        struct sockaddr_in source = {.sin_family = AF_INET};
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / STREAMS_PER_SOURCE_ADDRESS);
        // The port is chosen at connect(), where only the four-tuple must be unique.
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(descriptor, (struct sockaddr *)&source, sizeof source) != 0) {
            give_up("bind to a loopback address");
        }
    }
    if (stream->slow) {
        // Small segments keep the server's send buffer small too (Linux sizes it from the segment), so that it notices
        // the unread bytes within a run rather than after megabytes.
        int segment = 536, window = 2048;
        setsockopt(descriptor, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    }
    if (!wire_begin(&stream->wire, descriptor)) {
        give_up("TLS");
    }
    in_flight++;
    stream->link = LINK_CONNECTING;
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = stream};
    int failed = connect(descriptor, (struct sockaddr *)&client.server, sizeof client.server);
    if (failed && errno != EINPROGRESS) {
        close_stream(stream);
    } else if (epoll_ctl(client.poll, EPOLL_CTL_ADD, descriptor, &interest) != 0) {
        give_up("epoll_ctl");
    }
}

static void send_request(struct stream *stream) {
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s:%u\r\nAccept: text/event-stream\r\n\r\n", client.options.path,
                          client.options.host, client.options.port);
    if (length >= (int)sizeof request || wire_send(&stream->wire, request, (size_t)length) != length) {
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
        ssize_t count = wire_receive(&stream->wire, buffer, sizeof buffer);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (count <= 0) {
            close_stream(stream);
            return;
        }
        client.now = clock_ns(CLOCK_REALTIME);
        enum parse_status status = stream_feed(stream, buffer, (size_t)count);
        if (stream->link == LINK_AWAITING_HEAD && response_parser_is_open(&stream->parser)) {
            mark_open(stream);
        }
        if (status != PARSE_MORE) {
            client.malformed += status == PARSE_BAD_CHUNK || status == PARSE_TOO_LONG;
            close_stream(stream);
            return;
        }
        // A short read has emptied the socket, and the next bytes are a new edge; a FIN that came with them is not.
        if ((size_t)count < sizeof buffer && !until_end && wire_short_read_is_last(&stream->wire)) {
            return;
        }
    }
}

static void handle(void *data, uint32_t events) {
    struct stream *stream = data;
    if (stream->link == LINK_CLOSED) {
        return;
    }
    bool failed = events & (EPOLLERR | EPOLLHUP), ended = failed || events & EPOLLRDHUP;
    if (stream->link == LINK_CONNECTING && events & EPOLLOUT && !failed) {
        switch (wire_handshake(&stream->wire)) {
        case WIRE_READY: send_request(stream); break;
        case WIRE_LATER: break;
        case WIRE_FAILED: ended = true; break;
        }
    }
    if (stream->slow || stream->link == LINK_CONNECTING) {
        if (ended) {
            close_stream(stream);
        }
    } else if (stream->link != LINK_CLOSED && (events & EPOLLIN || ended)) {
        receive(stream, ended);
    }
}

static void open_more(void) {
    while (client.started < client.options.streams && in_flight < CONNECTS_IN_FLIGHT) {
        start_stream(&client.streams[client.started], client.started);
        client.started++;
    }
}

static void prepare(void) {}

int main(int count, char **arguments) {
    static const struct protocol http1 = {
        .name = "fanout", .alpn = "http/1.1", .prepare = prepare, .open_more = open_more, .handle = handle};
    return measurement_main(count, arguments, &http1);
}
