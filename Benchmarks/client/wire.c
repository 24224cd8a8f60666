// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *context;

bool wire_use_tls(const char *protocol) {
    unsigned char list[32];
    size_t length = strlen(protocol);
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || length >= sizeof list) {
        return false;
    }
    list[0] = (unsigned char)length;
    memcpy(list + 1, protocol, length);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_alpn_protos(context, list, (unsigned)length + 1) == 0; // 0 is success, other than elsewhere
}

bool wire_begin(struct wire *wire, int descriptor) {
    wire->descriptor = descriptor;
    wire->tls = NULL;
    if (context == NULL) {
        return true;
    }
    wire->tls = SSL_new(context);
    if (wire->tls == NULL || SSL_set_fd(wire->tls, descriptor) != 1) {
        return false;
    }
    SSL_set_connect_state(wire->tls);
    return true;
}

enum wire_progress wire_handshake(struct wire *wire) {
    if (wire->tls == NULL) {
        return WIRE_READY;
    }
    ERR_clear_error();
    int result = SSL_do_handshake(wire->tls);
    if (result == 1) {
        return WIRE_READY;
    }
    int reason = SSL_get_error(wire->tls, result);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? WIRE_LATER : WIRE_FAILED;
}

static ssize_t answer(struct wire *wire, int result) {
    if (result > 0) {
        return result;
    }
    switch (SSL_get_error(wire->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
    }
}

ssize_t wire_receive(struct wire *wire, void *bytes, size_t length) {
    if (wire->tls == NULL) {
        return recv(wire->descriptor, bytes, length, 0);
    }
    ERR_clear_error();
    return answer(wire, SSL_read(wire->tls, bytes, length > INT_MAX ? INT_MAX : (int)length));
}

ssize_t wire_send(struct wire *wire, const void *bytes, size_t length) {
    if (wire->tls == NULL) {
        return send(wire->descriptor, bytes, length, MSG_NOSIGNAL);
    }
    ERR_clear_error();
    return answer(wire, SSL_write(wire->tls, bytes, length > INT_MAX ? INT_MAX : (int)length));
}

void wire_close(struct wire *wire) {
    SSL_free(wire->tls);
    wire->tls = NULL;
    close(wire->descriptor);
}
