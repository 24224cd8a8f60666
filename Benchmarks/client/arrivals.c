// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Notes when each event of one stream arrives, to check another client's figures: a blocking read on one socket, the
// clock right after it, and a line "seq ts arrival" for each event of that read. HTTP/1.1 in cleartext only; chunk
// framing is not undone, because an event's "seq" and "ts" never span chunks on a server that frames whole events.
//
//     arrivals PORT TARGET SECONDS

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: arrivals PORT TARGET SECONDS\n");
        return 64;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("arrivals: connect");
        return 69;
    }
    // A quiet stream must not keep us beyond our time.
    struct timeval patience = {.tv_sec = 1};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n", arguments[2]);
    if (write(descriptor, request, (size_t)length) != length) {
        perror("arrivals: write");
        return 69;
    }
    static char bytes[1 << 20];
    long long end = now() + atoll(arguments[3]) * 1000000000LL;
    while (now() < end) {
        ssize_t got = read(descriptor, bytes, sizeof bytes - 1);
        long long arrival = now();
        if (got == 0) break;
        if (got < 0) continue;
        bytes[got] = '\0';
        for (char *event = strstr(bytes, "{\"seq\":"); event != NULL; event = strstr(event + 1, "{\"seq\":")) {
            long long sequence, published;
            if (sscanf(event, "{\"seq\":%lld,\"ts\":%lld", &sequence, &published) == 2)
                printf("%lld %lld %lld\n", sequence, published, arrival);
        }
    }
    close(descriptor);
    return 0;
}
