// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The floor of system calls: one write() for each stream and event.

#include "server.h"

#include <unistd.h>

static void prepare(void) {}

static void send_to_all(const void *bytes, size_t length) {
    for (uint32_t index = subscriber_count; index-- > 0;) {
        if (write(subscribers[index], bytes, length) != (ssize_t)length) {
            drop(subscribers[index]);
        }
    }
}

int main(int count, char **arguments) {
    static const struct sender one_by_one = {.name = "floor", .prepare = prepare, .send_to_all = send_to_all};
    return serve(count, arguments, &one_by_one);
}
