// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// epoll(7), which Glibc's module for Swift does not have. Empty on systems without it.

#ifndef CEPOLL_SHIM_H
#define CEPOLL_SHIM_H

#ifdef __linux__
// As liburing's header has it: types of the C library depend on it, and the modules must agree on them.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/epoll.h>
#endif

#endif
