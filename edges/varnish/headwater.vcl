vcl 4.1;

# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

# varnishd -f headwater.vcl with the arguments of varnishd.args. The origin is expected at 127.0.0.1:8080: replace it.

backend headwater {
    .host = "127.0.0.1";
    .port = "8080";

    # Idle timer towards the origin: longer than its heartbeat (15 s by default), or quiet streams are cut.
    .between_bytes_timeout = 60s;
}

sub vcl_recv {
    # Two subscribers are two streams: otherwise one waits for the other's response head, and shares its stream if that
    # response is cacheable. With HTTP/1.1 clients alone, pipe in place of pass makes Varnish hand through what pass
    # hides from the origin: that a client has left, and that one is slow. The idle timer is then -p pipe_timeout.
    if (req.url ~ "/events(\?|$)") {
        return (pass);
    }
}

sub vcl_backend_response {
    if (beresp.http.Content-Type ~ "^text/event-stream") {
        set beresp.uncacheable = true;
        set beresp.do_stream = true;
        set beresp.do_gzip = false;
        return (deliver);
    }
}
