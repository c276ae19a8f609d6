package dev.millrace.app;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.Http.Answer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Tests which requests are allowed, and the security headers of every response.
class AccessIT {

    @AutoClose private static ServiceScene scene;
    @AutoClose private static ServiceScene guarded;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
        guarded = ServiceScene.guarded();
    }

    @Test
    void everyResponseForbidsCachingAndScripts() {
        for (String path : List.of("/api/v1/status", "/actuator/health/liveness", "/nowhere")) {
            Answer answer = scene.http.get(path);

            assertThat(answer.header("Content-Security-Policy"))
                    .isEqualTo("default-src 'none'; frame-ancestors 'none'");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        }
    }

    /// No filter sees such a request.
    @ParameterizedTest
    @CsvSource({
        "GET, /api/v1/status%2f, 400",
        "GET, /api/v1/status%00, 400",
        "TRACE, /api/v1/status, 405",
        "CONNECT, /api/v1/status, 501"
    })
    void whatTheServerItselfRefusesIsAProblemToo(String method, String path, int status) {
        Answer answer = scene.http.send(method, path, "");

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.json().path("status").asInt()).isEqualTo(status);
        assertThat(answer.json().path("detail").asString()).contains("openapi.json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:8080",
                "127.0.0.1.evil.example",
                "localhost.evil.example:80",
                "10.0.0.1",
                "[::2]",
                "localhost:80@evil.example"
            })
    void refusesAForeignHost(String host) {
        Answer answer = scene.http.get("/api/v1/status", "Host: " + host);

        assertThat(answer.status()).isIn(400, 403);
        assertThat(answer.body()).doesNotContain("CATCHING_UP");
    }

    @Test
    void aForeignHostGetsAProblem() {
        Answer answer = scene.http.get("/api/v1/status", "Host: evil.example");

        assertProblem(answer, 403);
        assertThat(answer.json().path("detail").asString()).contains("MILLRACE_TOKEN");
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:1", "127.0.0.1", "[::1]", "[::1]:8080"})
    void allowsEveryNameOfTheLoopbackAddress(String host) {
        assertThat(scene.http.get("/api/v1/status", "Host: " + host).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Origin: http://evil.example",
                "Origin: null",
                "Origin: http://localhost:1",
                "Origin: http://localhost",
                "Origin: https://127.0.0.1",
                "Origin: http://127.0.0.1.evil.example",
                "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Site: same-site"
            })
    void refusesCrossOriginRequests(String header) {
        int before = scene.migration.asked.size();

        Answer answer = scene.http.post("/api/v1/reconciliations", "{}", JSON, header);

        assertProblem(answer, 403);
        assertThat(scene.migration.asked).hasSize(before);
    }

    /// Programs say nothing about a site, and need no page.
    @Test
    void aBrowserNeedsTheTokenOfAPage() {
        Answer page = scene.http.get("/");
        String token = page.body().replaceFirst("(?s).*data-csrf=\"([^\"]+)\".*", "$1");
        String cookie = "Cookie: " + page.header("Set-Cookie").replaceFirst(";.*", "");
        String origin = "Origin: http://localhost:" + scene.service.port();
        String host = "Host: localhost:" + scene.service.port();
        int before = scene.migration.asked.size();

        for (String[] forged :
                List.of(
                        new String[] {origin, cookie},
                        new String[] {origin, "X-CSRF-TOKEN: " + token},
                        new String[] {origin, cookie, "X-CSRF-TOKEN: " + token.substring(1)},
                        new String[] {"Sec-Fetch-Site: same-origin", cookie})) {
            String[] headers =
                    Stream.of(forged, new String[] {JSON, host})
                            .flatMap(Stream::of)
                            .toArray(String[]::new);
            assertProblem(scene.http.post("/api/v1/reconciliations", "{}", headers), 403);
        }
        assertThat(scene.migration.asked).hasSize(before);
        Answer sent =
                scene.http.post(
                        "/api/v1/reconciliations",
                        "{}",
                        JSON,
                        host,
                        origin,
                        cookie,
                        "X-CSRF-TOKEN: " + token);
        assertThat(sent.status()).isEqualTo(202);
    }

    @Test
    void allowsItsOwnOrigin() {
        Answer answer =
                scene.http.get(
                        "/api/v1/status",
                        "Origin: http://localhost:" + scene.service.port(),
                        "Sec-Fetch-Site: same-origin");

        assertThat(answer.status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Type: text/plain",
                "Content-Type: multipart/form-data; boundary=application/json",
                "Content-Type: text/plain; application/json",
                "X-None: none"
            })
    void refusesBodiesThatAFormCanSend(String type) {
        int before = scene.migration.asked.size();

        Answer answer = scene.http.post("/api/v1/reconciliations", "{}", type);

        assertProblem(answer, 415);
        assertThat(answer.json().path("detail").asString()).contains("{} to compare every table");
        assertThat(scene.migration.asked).hasSize(before);
    }

    @ParameterizedTest
    @CsvSource({
        "/api/v1/status",
        "/api/v1/log?topic=changes",
        "/actuator/prometheus",
        "/actuator/health",
        "/actuator/health/liveness/../../prometheus",
        "/actuator/health/liveness;x/../../../api/v1/status"
    })
    void requiresTheToken(String path) {
        for (String header :
                List.of(
                        "X-None: none",
                        "Authorization: Bearer wrong",
                        "Authorization: Bearer",
                        "Authorization: Basic a-token-of-some-length",
                        "Authorization: Bearer a-token-of-some-lengt")) {
            Answer answer = guarded.http.get(path, header);

            assertThat(answer.status()).isIn(400, 401);
            assertThat(answer.body()).doesNotContain("CATCHING_UP", "millrace_");
        }
        Answer answer = guarded.http.get("/api/v1/status");
        assertProblem(answer, 401);
        assertThat(answer.header("WWW-Authenticate")).startsWith("Bearer");
    }

    @Test
    void acceptsTheTokenForAnyHost() {
        Answer answer =
                guarded.http.get(
                        "/api/v1/status",
                        "Host: millrace.example",
                        "Authorization: bearer a-token-of-some-length");

        assertThat(answer.status()).isEqualTo(200);
    }

    /// A browser shows no password dialog, whose password it would send with the requests of any
    /// page.
    @Test
    void noPasswordOfABrowserIsAccepted() {
        String password =
                "Authorization: Basic "
                        + Base64.getEncoder()
                                .encodeToString(
                                        "ann:a-token-of-some-length"
                                                .getBytes(StandardCharsets.UTF_8));

        Answer answer = guarded.http.get("/api/v1/status", password);

        assertProblem(answer, 401);
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"millrace\"");
    }

    /// A dashboard, a chat and an alert have links to the console.
    @Test
    void aLinkOfAnotherSiteOpensAPageButNoInterface() {
        String[] link = {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"};

        assertThat(scene.http.get("/tables", link).status()).isEqualTo(200);
        assertProblem(scene.http.get("/api/v1/status", link), 403);
        assertProblem(scene.http.get("/actuator/prometheus", link), 403);
        assertProblem(scene.http.get("/tables", "Sec-Fetch-Site: cross-site"), 403);
        assertProblem(scene.http.post("/tables", "{}", JSON, link[0], link[1]), 403);
    }

    /// Different servers and frameworks read such paths differently.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/console/../application.properties",
                "//api/v1/status",
                "/api/v1/status;x=y",
                "/api/v1/%2e%2e/status"
            })
    void refusesAnAmbiguousPath(String path) {
        Answer answer = scene.http.get(path);

        assertProblem(answer, 400);
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    }

    @Test
    void probesNeedNoToken() {
        assertThat(guarded.http.get("/actuator/health/liveness").status()).isEqualTo(200);
        assertThat(guarded.http.get("/actuator/health/readiness").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/console",
                "/console/",
                "/actuator",
                "/actuator/env",
                "/actuator/beans",
                "/actuator/heapdump",
                "/actuator/loggers",
                "/actuator/metrics",
                "/error",
                "/api/v1/nothing",
                "/api/v2/status"
            })
    void exposesNoOtherPath(String path) {
        assertProblem(scene.http.get(path), 404);
    }
}
