// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// OpenSSL's headers, and the functions that exist in them only as macros, which Swift cannot call.
// Nothing here decides anything: each shim is one macro with the types its manual page gives.

#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "Headwater needs OpenSSL 3.0 or newer (Debian: libssl-dev)"
#endif

// Contexts

static const uint64_t copenssl_op_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t copenssl_op_no_compression = SSL_OP_NO_COMPRESSION;

static inline long copenssl_ctx_set_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_mode(context, mode);
}

static inline int copenssl_ctx_set_min_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline int copenssl_ctx_set_max_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_max_proto_version(context, version);
}

static inline long copenssl_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}

static inline long copenssl_ctx_set_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
    return SSL_CTX_set_tlsext_servername_callback(context, callback);
}

/// The number of bytes that the ticket keys of a context take.
static inline long copenssl_ctx_ticket_key_length(SSL_CTX *context) {
    return SSL_CTX_get_tlsext_ticket_keys(context, NULL, 0);
}

static inline long copenssl_ctx_get_ticket_keys(SSL_CTX *context, void *keys, long length) {
    return SSL_CTX_get_tlsext_ticket_keys(context, keys, length);
}

static inline long copenssl_ctx_set_ticket_keys(SSL_CTX *context, void *keys, long length) {
    return SSL_CTX_set_tlsext_ticket_keys(context, keys, length);
}

// Connections

static inline long copenssl_set_server_name(SSL *connection, const char *name) {
    return SSL_set_tlsext_host_name(connection, name);
}

// Memory BIOs

/// What an empty memory BIO answers to a read: -1 is "come again", not "end of file".
static inline long copenssl_bio_set_retry_when_empty(BIO *bio) {
    return BIO_set_mem_eof_return(bio, -1);
}

/// The bytes that the BIO's buffer has allocated, whether used or not.
static inline size_t copenssl_bio_capacity(BIO *bio) {
    BUF_MEM *memory = NULL;
    BIO_get_mem_ptr(bio, &memory);
    return memory == NULL ? 0 : memory->max;
}

/// Gives an empty memory BIO a new buffer without an allocation behind it and frees the old one. False: out of memory.
static inline int copenssl_bio_release(BIO *bio) {
    BUF_MEM *empty = BUF_MEM_new();
    if (empty == NULL) {
        return 0;
    }
    return BIO_set_mem_buf(bio, empty, BIO_CLOSE) == 1;
}

// Certificates

static const unsigned long copenssl_name_rfc2253 = XN_FLAG_RFC2253;

static inline STACK_OF(X509) *copenssl_chain_new(void) {
    return sk_X509_new_null();
}

static inline int copenssl_chain_push(STACK_OF(X509) *chain, X509 *certificate) {
    return sk_X509_push(chain, certificate);
}

static inline void copenssl_chain_free(STACK_OF(X509) *chain) {
    sk_X509_pop_free(chain, X509_free);
}

static inline void copenssl_general_names_free(GENERAL_NAMES *names) {
    GENERAL_NAMES_free(names);
}

static inline int copenssl_general_names_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

/// One subject alternative name: its kind (GEN_DNS, GEN_IPADD, …) and, for these two, its octets.
static inline int copenssl_general_name(const GENERAL_NAMES *names, int index, const unsigned char **octets, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    int kind = GEN_OTHERNAME;
    void *value = GENERAL_NAME_get0_value(name, &kind);
    *octets = NULL;
    *length = 0;
    if (kind == GEN_DNS || kind == GEN_IPADD) {
        *octets = ASN1_STRING_get0_data((const ASN1_STRING *)value);
        *length = ASN1_STRING_length((const ASN1_STRING *)value);
    }
    return kind;
}

/// A new key on the curve P-256, or NULL.
static inline EVP_PKEY *copenssl_generate_p256(void) {
    return EVP_EC_gen("P-256");
}

#endif
