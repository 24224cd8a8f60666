// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// liburing's functions as far as Headwater needs them, without the macros and inline loops that Swift cannot call.
// Nothing here decides anything. The module is for Linux only.

#ifndef CURING_SHIM_H
#define CURING_SHIM_H

// First, because liburing's header asks the C library for more than other modules do. Types such as fd_set depend on it,
// and modules that are imported together must agree on them; once this is read, the question is settled.
#include <sys/select.h>

#include <liburing.h>

static const unsigned curing_setup_submit_all = IORING_SETUP_SUBMIT_ALL;
static const unsigned curing_setup_cooperative = IORING_SETUP_COOP_TASKRUN;
static const unsigned curing_setup_single_issuer = IORING_SETUP_SINGLE_ISSUER;

/// Queues a send (io_uring_prep_send(3)) whose completion will carry `tag`. False: the queue is full.
static inline int curing_queue_send(
    struct io_uring *ring, int descriptor, const void *bytes, size_t length, int flags, uint64_t tag) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    if (entry == NULL) {
        return 0;
    }
    io_uring_prep_send(entry, descriptor, bytes, length, flags);
    io_uring_sqe_set_data64(entry, tag);
    return 1;
}

/// Takes the next completion that is there: its tag and its result, a count of bytes or a negative errno. False: none.
static inline int curing_take_completion(struct io_uring *ring, uint64_t *tag, int *result) {
    struct io_uring_cqe *entry = NULL;
    if (io_uring_peek_cqe(ring, &entry) != 0 || entry == NULL) {
        return 0;
    }
    *tag = io_uring_cqe_get_data64(entry);
    *result = entry->res;
    io_uring_cqe_seen(ring, entry);
    return 1;
}

#endif
