// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// epoll(7), which Glibc's module for Swift does not have. Empty on systems without it.

#ifndef CEPOLL_SHIM_H
#define CEPOLL_SHIM_H

#ifdef __linux__
#include <sys/epoll.h>
#endif

#endif
