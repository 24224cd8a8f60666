// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The floor of io_uring: the sends of an event are handed to the kernel in batches, one system call for each batch.
// A send that would block fails instead (MSG_DONTWAIT), so all of a batch is complete when io_uring_enter(2) returns.
//
// What was tried and makes no difference above the noise here: COOP_TASKRUN instead of DEFER_TASKRUN, batches of 64 to
// 1,024, a registered ring descriptor, IOSQE_CQE_SKIP_SUCCESS. Registered files cost a little more than they save:
// looking a descriptor up is cheap in a process of one thread. So none of them is here.

#include "server.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 256u
// sysexits.h: a service is not available; the harness tells it from a mistake of its own.
#define EX_UNAVAILABLE 69

static struct io_uring ring;

static void prepare(void) {
    // One thread submits and asks for completions (Linux 6.0, 6.1); a failed send must not hold up those behind it.
    unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
    int failed = io_uring_queue_init(BATCH, &ring, flags);
    if (failed != 0) {
        fprintf(stderr,
                "floor-uring: no io_uring here: %s. It takes Linux 6.1 or newer; sysctl kernel.io_uring_disabled or a "
                "container's seccomp profile may forbid it.\n",
                strerror(-failed));
        exit(EX_UNAVAILABLE);
    }
}

static void send_batch(const int *descriptors, unsigned count, const void *bytes, size_t length) {
    for (unsigned index = 0; index < count; index++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&ring);
        io_uring_prep_send(entry, descriptors[index], bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        io_uring_sqe_set_data64(entry, (uint64_t)descriptors[index]);
    }
    int submitted = io_uring_submit_and_wait(&ring, count);
    if (submitted != (int)count) {
        errno = submitted < 0 ? -submitted : EBUSY;
        give_up("io_uring_submit_and_wait");
    }
    struct io_uring_cqe *completion;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&ring, head, completion) {
        seen++;
        if (completion->res != (int)length) {
            drop((int)completion->user_data);
        }
    }
    io_uring_cq_advance(&ring, seen);
}

static void send_to_all(const void *bytes, size_t length) {
    for (uint32_t left = subscriber_count; left > 0;) {
        unsigned count = left < BATCH ? left : BATCH;
        left -= count;
        send_batch(&subscribers[left], count, bytes, length);
    }
}

int main(int count, char **arguments) {
    static const struct sender batched = {.name = "floor-uring", .prepare = prepare, .send_to_all = send_to_all};
    return serve(count, arguments, &batched);
}
