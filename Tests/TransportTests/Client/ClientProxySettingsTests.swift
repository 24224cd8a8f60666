// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct ClientProxySettingsTests {
    @Test(arguments: [
        ("http://example.com/", "plain:3128"),
        ("https://example.com/", "secure:3129"),
        ("https://example.com:8443/", nil),
        ("https://internal.corp/", nil),
        ("https://deep.internal.corp/", nil),
        ("https://notinternal.corp/", "secure:3129"),
        ("https://dotted.org/", nil),
        ("https://www.dotted.org/", nil),
        ("https://www.starred.org/", nil),
        ("http://10.1.2.3/", nil),
        ("http://11.1.2.3/", "plain:3128"),
        ("http://192.168.0.7:99/", nil),
        ("http://[fd00::1]/", nil),
        ("http://[fe00::1]/", "plain:3128"),
        ("http://[::1]/", nil),
    ])
    func exceptionsAreRespected(url: String, proxy: String?) throws {
        let proxies = try HTTPProxies(environment: [
            "http_proxy": "http://plain:3128", "HTTPS_PROXY": "secure:3129/",
            "no_proxy":
                "internal.corp, .dotted.org,*.starred.org,example.com:8443,10.0.0.0/8,192.168.0.7,"
                + "fd00::/8,[::1],nonsense:x",
        ])
        #expect(try proxies.proxy(for: HTTPTarget(url))?.description == proxy)
    }

    @Test(arguments: [
        (["HTTP_PROXY": "a:1"], "a:1"),
        (["HTTP_PROXY": "a:1", "http_proxy": "b:2"], "b:2"),
        (["HTTP_PROXY": "a:1", "REQUEST_METHOD": "GET"], nil),
        (["http_proxy": "a:1", "REQUEST_METHOD": "GET"], "a:1"),
        (["all_proxy": "c:3"], "c:3"),
        (["ALL_PROXY": "c:3", "http_proxy": ""], "c:3"),
        (["http_proxy": "a:1", "NO_PROXY": "*"], nil),
        (["https_proxy": "a:1"], nil),
        ([:], nil),
    ])
    func variablesAreReadAsOthersReadThem(environment: [String: String], proxy: String?) throws {
        let proxies = try HTTPProxies(environment: environment)
        #expect(try proxies.proxy(for: HTTPTarget("http://example.com/"))?.description == proxy)
    }

    @Test(arguments: ["socks5://a:1", "https://a:1", "http://:1", "http://a:b", "http://a b"])
    func proxyThatCannotBeUsedIsNamed(url: String) {
        #expect {
            try HTTPProxies(environment: ["https_proxy": url])
        } throws: { error in
            guard case HTTPClientError.proxy(let reason) = error else { return false }
            return reason.hasPrefix("https_proxy: ")
        }
    }

    /// RFC 7617 section 2 has the first pair as its example.
    @Test(arguments: [
        ("http://Aladdin:open%20sesame@a:1", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("http://u:p@w@a:1", "Basic dTpwQHc="),
        ("http://u@a:1", "Basic dQ=="),
        ("http://u:%zz@a:1", "Basic dTolenk="),
    ])
    func credentialsBecomeBasic(url: String, value: String) throws {
        let proxy = try HTTPProxy(url)
        if !url.contains("%zz") { #expect(proxy.authorization == value) }
        #expect(proxy.description == "a:1")
    }
}
