// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: fanout-h2 --port PORT [options]\n"
    "Opens streams over HTTP/2 (cleartext), checks every event and prints JSON lines: opened,\n"
    "window, window_end, result. Exits 0 if nothing was lost, out of order, twice or malformed, 1 if something was,\n"
    "and 2 if it could not run.\n"
    "  --host 127.0.0.1     an IPv4 address\n"
    "  --path /events       target of the GET\n"
    "  --streams 100        how many streams, the slow ones included\n"
    "  --connections 1      over how many connections they are spread\n"
    "  --slow 0             how many of them, from the first, never open their window again\n"
    "  --window 0           initial window of a stream in bytes, opened again when half is used; 0: never in the way\n"
    "  --ramp 0             requests per second; 0: as fast as response heads come back\n"
    "  --settle 1           seconds between the last head and the window\n"
    "  --duration 10        seconds of the measured window\n"
    "  --data-size 0        exact bytes of an event's data; 0: any\n"
    "  --coalesce 200       microseconds of sleep after a short batch, so that the server does not pay for waking\n"
    "                       this process at every write; adds up to this much to the lag; 0: wake for every event\n"
    "  --idle               open and hold the streams, expect no events\n"
    "example: fanout-h2 --port 8080 --path '/events?interval=50&size=256' --streams 10000 --connections 3\n";

static _Noreturn void refuse(const char *option, const char *value) {
    fprintf(stderr, "fanout-h2: --%s: '%s' is not a number in range\n%s", option, value, usage);
    exit(64);
}

static double number(const char *option, const char *text, double minimum, double maximum) {
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= minimum && value <= maximum)) {
        refuse(option, text);
    }
    return value;
}

struct options options_parse(int count, char **arguments) {
    struct options options = {.host = "127.0.0.1",
                              .path = "/events",
                              .streams = 100,
                              .connections = 1,
                              .coalesce = 200,
                              .settle = 1,
                              .duration = 10};
    enum {
        HOST = 1, PORT, PATH, STREAMS, SLOW, RAMP, SETTLE, DURATION, SIZE, COALESCE, IDLE, HELP, CONNECTIONS, WINDOW
    };
    static const struct option known[] = {
        {"host", 1, 0, HOST},         {"port", 1, 0, PORT},     {"path", 1, 0, PATH},
        {"streams", 1, 0, STREAMS},   {"slow", 1, 0, SLOW},     {"ramp", 1, 0, RAMP},
        {"settle", 1, 0, SETTLE},     {"idle", 0, 0, IDLE},     {"duration", 1, 0, DURATION},
        {"data-size", 1, 0, SIZE},    {"help", 0, 0, HELP},     {"coalesce", 1, 0, COALESCE},
        {"window", 1, 0, WINDOW},     {"connections", 1, 0, CONNECTIONS},
        {0},
    };
    int index = 0;
    for (int found; (found = getopt_long(count, arguments, "", known, &index)) != -1;) {
        const char *name = known[index].name;
        switch (found) {
        case HOST: options.host = optarg; break;
        case PORT: options.port = (uint16_t)number(name, optarg, 1, 65535); break;
        case PATH: options.path = optarg; break;
        case STREAMS: options.streams = (unsigned)number(name, optarg, 1, 1000000); break;
        case SLOW: options.slow = (unsigned)number(name, optarg, 0, 1000000); break;
        case RAMP: options.ramp = (unsigned)number(name, optarg, 0, 1000000); break;
        case SETTLE: options.settle = number(name, optarg, 0, 600); break;
        case DURATION: options.duration = number(name, optarg, 0.1, 86400); break;
        case SIZE: options.data_size = (unsigned)number(name, optarg, 0, 65536); break;
        case COALESCE: options.coalesce = (unsigned)number(name, optarg, 0, 100000); break;
        case IDLE: options.idle = true; break;
        case CONNECTIONS: options.connections = (unsigned)number(name, optarg, 1, 10000); break;
        case WINDOW: options.window = (unsigned)number(name, optarg, 0, 2147483647); break;
        case HELP: fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(64);
        }
    }
    if (options.port == 0 || optind < count || options.slow >= options.streams ||
        options.connections > options.streams) {
        fprintf(stderr, "fanout-h2: needs --port, --slow below --streams, not more --connections, no arguments\n%s",
                usage);
        exit(64);
    }
    return options;
}
