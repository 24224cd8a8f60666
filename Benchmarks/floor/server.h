// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The floors: the least that an origin can do for HTTP/1.1 fan-out. One thread, epoll, one event per interval,
// formatted and framed once, then sent to every stream; how it is sent is all that floor.c and floor_uring.c differ in.
// No timeouts, no resume, no slow-consumer policy: a stream that cannot take a whole event is closed. What a server
// costs above this is what its features cost. `GET /events` joins the fan-out, any other target is an idle stream.

#ifndef HEADWATER_BENCH_FLOOR_SERVER_H
#define HEADWATER_BENCH_FLOOR_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sender {
    const char *name;      // of the program, for messages
    void (*prepare)(void); // before anything else, also before the arguments are looked at
    // Sends the bytes to every subscriber and drops those that cannot take them. It goes backwards, because drop()
    // fills the hole with the last subscriber, which has had its event by then.
    void (*send_to_all)(const void *bytes, size_t length);
};

// Descriptors of the streams that get events.
extern int *subscribers;
extern uint32_t subscriber_count;

// Closes the connection and takes it from the subscribers.
void drop(int descriptor);
_Noreturn void give_up(const char *what);

// The whole of main().
int serve(int count, char **arguments, const struct sender *sender);

#endif
