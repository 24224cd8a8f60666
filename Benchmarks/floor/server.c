// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#define _GNU_SOURCE
#include "server.h"

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
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define DATA_SIZE_MAX 65536
#define EVENTS_PER_WAIT 256
#define TARGET "GET /events"

// Indexed by descriptor: a process has no more of them than its limit.
struct connection {
    uint32_t position; // in `subscribers`, when subscribed
    uint8_t terminator; // how many bytes of CR LF CR LF have just been read
    uint8_t started;    // how many bytes of the request have been compared with TARGET
    bool matches;
    bool open; // the response head is out
    bool subscribed;
};

static struct connection *connections;
static uint64_t sequence;
static const struct sender *sender;

int *subscribers;
uint32_t subscriber_count;

// The same header fields, and so about the same bytes, as Headwater's answer.
static const char response_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                    "Cache-Control: no-cache, no-store, no-transform\r\nX-Accel-Buffering: no\r\n"
                                    "Incremental: ?1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "1a\r\n: connected\n\nretry: 3000\n\n\r\n";

_Noreturn void give_up(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", sender->name, what, strerror(errno));
    exit(2);
}

void drop(int descriptor) {
    struct connection *connection = &connections[descriptor];
    if (connection->subscribed) {
        int moved = subscribers[--subscriber_count];
        subscribers[connection->position] = moved;
        connections[moved].position = connection->position;
    }
    *connection = (struct connection){0};
    close(descriptor);
}

static void accept_all(int listener, int poll) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections[descriptor] = (struct connection){.matches = true};
        struct epoll_event interest = {.events = EPOLLIN, .data.fd = descriptor};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &interest) != 0) {
            give_up("epoll_ctl");
        }
    }
}

static void answer(int descriptor) {
    struct connection *connection = &connections[descriptor];
    if (write(descriptor, response_head, sizeof response_head - 1) != sizeof response_head - 1) {
        drop(descriptor);
        return;
    }
    connection->open = true;
    if (connection->matches && connection->started == sizeof TARGET - 1) {
        connection->subscribed = true;
        connection->position = subscriber_count;
        subscribers[subscriber_count++] = descriptor;
    }
}

static void read_request(int descriptor) {
    static const char target[] = TARGET, terminator[] = "\r\n\r\n";
    char bytes[2048];
    struct connection *connection = &connections[descriptor];
    ssize_t count = read(descriptor, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        drop(descriptor);
        return;
    }
    for (ssize_t index = 0; index < count && !connection->open; index++) {
        if (connection->started < sizeof target - 1) {
            connection->matches = connection->matches && bytes[index] == target[connection->started];
            connection->started++;
        }
        if (bytes[index] == terminator[connection->terminator]) {
            connection->terminator++;
        } else {
            connection->terminator = bytes[index] == '\r';
        }
        if (connection->terminator == 4) {
            answer(descriptor);
            return;
        }
    }
}

static void publish(unsigned data_size) {
    static char data[DATA_SIZE_MAX + 1], event[DATA_SIZE_MAX + 128], chunk[DATA_SIZE_MAX + 160];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t nanoseconds = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
    sequence++;
    int used = snprintf(data, sizeof data, "{\"seq\":%lu,\"ts\":%lu,\"pad\":\"", sequence, nanoseconds);
    memset(data + used, 'x', data_size - (unsigned)used - 2);
    memcpy(data + data_size - 2, "\"}", 3);
    int event_length = snprintf(event, sizeof event, "id: floorabc.%lu\ndata: %s\n\n", sequence, data);
    int length = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)event_length, event);
    sender->send_to_all(chunk, (size_t)length);
}

static int listen_on_loopback(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        give_up("listen");
    }
    printf("{\"http\":\"127.0.0.1:%u\"}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int serve(int count, char **arguments, const struct sender *chosen) {
    sender = chosen;
    sender->prepare();
    long interval_ms = count > 1 ? strtol(arguments[1], NULL, 10) : 0;
    long data_size = count > 2 ? strtol(arguments[2], NULL, 10) : 0;
    long port = count > 3 ? strtol(arguments[3], NULL, 10) : 0;
    if (interval_ms < 1 || interval_ms > 60000 || data_size < 80 || data_size > DATA_SIZE_MAX || port > 65535) {
        fprintf(stderr, "usage: %s INTERVAL_MS DATA_SIZE [PORT]\n", sender->name);
        return 64;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); // never outlive the harness
    signal(SIGPIPE, SIG_IGN);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        give_up("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    connections = calloc(limit.rlim_cur, sizeof *connections);
    subscribers = calloc(limit.rlim_cur, sizeof *subscribers);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int listener = listen_on_loopback((uint16_t)port);
    struct timespec interval = {.tv_sec = interval_ms / 1000, .tv_nsec = interval_ms % 1000 * 1000000};
    struct itimerspec schedule = {.it_interval = interval, .it_value = interval};
    struct epoll_event on_listener = {.events = EPOLLIN, .data.fd = listener};
    struct epoll_event on_timer = {.events = EPOLLIN, .data.fd = timer};
    if (connections == NULL || subscribers == NULL || timerfd_settime(timer, 0, &schedule, NULL) != 0 ||
        epoll_ctl(poll, EPOLL_CTL_ADD, listener, &on_listener) != 0 ||
        epoll_ctl(poll, EPOLL_CTL_ADD, timer, &on_timer) != 0) {
        give_up("set-up");
    }
    for (;;) {
        struct epoll_event ready[EVENTS_PER_WAIT];
        int ready_count = epoll_wait(poll, ready, EVENTS_PER_WAIT, -1);
        uint64_t due = 0;
        for (int index = 0; index < ready_count; index++) {
            int descriptor = ready[index].data.fd;
            if (descriptor == listener) {
                accept_all(listener, poll);
            } else if (descriptor == timer) {
                due = read(timer, &due, sizeof due) == sizeof due ? due : 0;
            } else {
                read_request(descriptor);
            }
        }
        // After the batch: publish() may close descriptors that are still in `ready`.
        for (; due > 0; due--) {
            publish((unsigned)data_size);
        }
    }
}
