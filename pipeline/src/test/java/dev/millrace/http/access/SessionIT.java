package dev.millrace.http.access;

import static dev.millrace.app.ServiceScene.BEARER;
import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The sessions of the console: login, forged requests, and failed attempts.
class SessionIT {

    private static final String FORM = "Content-Type: application/x-www-form-urlencoded";
    private static final String TOKEN = "a-token-of-some-length";
    private static final Pattern PAGE_TOKEN = Pattern.compile("name=\"_csrf\" value=\"([^\"]+)\"");

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.guarded();
    }

    @BeforeEach
    void forget() {
        scene.migration.changes.clear();
    }

    /// What a browser has after it opened a page.
    ///
    /// @param cookies as the browser sends them back
    /// @param token of the page
    private record Visit(String cookies, String token) {

        String cookie() {
            return "Cookie: " + cookies;
        }

        String csrf() {
            return "X-CSRF-TOKEN: " + token;
        }

        Visit with(Answer answer) {
            String all = cookies;
            for (String set : answer.header("Set-Cookie").split(" \\| ")) {
                String pair = set.replaceFirst(";.*", "");
                String name = pair.replaceFirst("=.*", "=");
                all = all.replaceFirst(Pattern.quote(name) + "[^;]*(; )?", "");
                if (!pair.equals(name)) {
                    all = all.isEmpty() ? pair : pair + "; " + all;
                }
            }
            Matcher found = PAGE_TOKEN.matcher(answer.body());
            return new Visit(all, found.find() ? found.group(1) : token);
        }

        String session() {
            return cookies.replaceFirst(".*?(millrace-\\d+=[^;]*).*", "$1");
        }
    }

    private static Visit open() {
        Answer page = scene.http.get("/login");
        assertThat(page.status()).isEqualTo(200);
        return new Visit("", "").with(page);
    }

    private static Answer login(Visit visit, String token) {
        return scene.http.post(
                "/login",
                "token="
                        + token
                        + "&_csrf="
                        + URLEncoder.encode(visit.token(), StandardCharsets.UTF_8),
                FORM,
                visit.cookie());
    }

    private static Visit loggedIn() {
        Visit visit = open();
        visit = visit.with(login(visit, TOKEN));
        Answer page = scene.http.get("/", visit.cookie());
        assertThat(page.status()).isEqualTo(200);
        return visit.with(page);
    }

    private static Answer kill(String... headers) {
        return scene.http.post("/api/v1/kill", "{\"dryRun\": false}", headers);
    }

    @Test
    void aPersonIsAskedForTheTokenByAForm() {
        Answer first = scene.http.get("/tables", "Accept: text/html");
        assertThat(first.status()).isEqualTo(302);
        assertThat(first.header("Location")).endsWith("/login");

        Visit visit = open();
        Answer answer = login(visit, TOKEN);

        assertThat(answer.status()).isEqualTo(302);
        assertThat(answer.header("Location")).endsWith("/");
        assertThat(answer.header("Set-Cookie"))
                .containsPattern("millrace-\\d+=[^;]+; Path=/; HttpOnly; SameSite=Strict");
        assertThat(scene.http.get("/", visit.with(answer).cookie()).body()).contains("Log out");
    }

    /// A script must not read them, and no page of another site sends them.
    @Test
    void everyCookieIsHttpOnlyAndStrict() {
        Visit visit = open();

        for (Answer answer : List.of(scene.http.get("/login"), login(visit, TOKEN))) {
            assertThat(answer.header("Set-Cookie").split(" \\| "))
                    .allMatch(cookie -> cookie.contains("HttpOnly"))
                    .allMatch(cookie -> cookie.contains("SameSite=Strict"));
        }
    }

    @Test
    void aWrongTokenOpensNoSession() {
        Visit visit = open();
        Answer answer = login(visit, "wrong");

        assertThat(answer.header("Location")).endsWith("/login?wrong");
        assertThat(scene.http.get("/", visit.with(answer).cookie(), "Accept: text/html").status())
                .isEqualTo(302);
        assertThat(scene.http.get("/login?wrong").body()).contains("Wrong token.");
    }

    @Test
    void aFormOfAnotherPageIsRefused() {
        Visit visit = loggedIn();

        assertThat(kill(JSON, visit.cookie(), visit.csrf()).status()).isEqualTo(200);
        scene.migration.changes.clear();
        for (String token :
                List.of("X-None: none", "X-CSRF-TOKEN: ", "X-CSRF-TOKEN: " + open().token())) {
            assertProblem(kill(JSON, visit.cookie(), token), 403);
        }
        assertProblem(
                scene.http.send(
                        "DELETE",
                        "/api/v1/reconciliations/00000000-0000-0000-0000-00000000abcd",
                        "",
                        visit.cookie()),
                403);
        assertThat(scene.migration.changes).isEmpty();
    }

    /// The address of a form can contain a name and a password, which the browser then sends.
    @ParameterizedTest
    @ValueSource(strings = {"Basic eDp5", "Bearerx", "Bearer wrong"})
    void anotherCredentialDoesNotReplaceTheTokenOfThePage(String authorization) {
        Answer answer = kill(JSON, loggedIn().cookie(), "Authorization: " + authorization);

        assertThat(answer.status()).isIn(401, 403);
        assertThat(scene.migration.changes).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Site: same-site",
                "Origin: https://evil.example",
                "Origin: null",
                "Origin: http://millrace.example.evil.example"
            })
    void aSessionIsNoUseToPagesOfOtherSites(String header) {
        Visit visit = loggedIn();

        assertProblem(
                kill(JSON, visit.cookie(), visit.csrf(), "Host: millrace.example", header), 403);
        assertThat(scene.migration.changes).isEmpty();
    }

    /// A proxy in front of the service may pass its own name as the host.
    @ParameterizedTest
    @ValueSource(strings = {"Sec-Fetch-Site: same-origin", "X-None: none"})
    void theConsoleItselfMayUseTheSession(String site) {
        Visit visit = loggedIn();

        Answer answer =
                kill(
                        JSON,
                        visit.cookie(),
                        visit.csrf(),
                        site.startsWith("Sec") ? "Host: backend:8080" : "Host: millrace.example",
                        "Origin: https://millrace.example",
                        site);

        assertThat(answer.status()).isEqualTo(200);
    }

    /// Otherwise a page could log a person in as somebody else.
    @Test
    void aForgedLoginIsRefused() {
        assertProblem(scene.http.post("/login", "token=" + TOKEN, FORM, open().cookie()), 403);
        assertProblem(scene.http.post("/login", "token=" + TOKEN, FORM), 403);
        assertProblem(scene.http.post("/logout", "", FORM, loggedIn().cookie()), 403);
    }

    /// A session that was planted in a browser ends when a person logs in there.
    @Test
    void aLoginReplacesTheSession() {
        Visit planted = loggedIn();
        Visit person = planted.with(login(planted, TOKEN));

        assertThat(person.session()).isNotEqualTo(planted.session()).startsWith("millrace-");
        assertThat(scene.http.get("/", person.cookie()).status()).isEqualTo(200);
        assertProblem(scene.http.get("/", planted.cookie()), 401);
        assertProblem(
                scene.http.get("/", "Cookie: millrace-0=0123456789ABCDEF0123456789ABCDEF"), 401);
    }

    @Test
    void aLogoutEndsTheSession() {
        Visit visit = loggedIn();

        Answer answer = scene.http.post("/logout", "", FORM, visit.cookie(), visit.csrf());

        assertThat(answer.header("Location")).endsWith("/login");
        assertProblem(scene.http.get("/", visit.cookie()), 401);
    }

    @Test
    void aTokenInAHeaderOpensNoSession() {
        Answer answer = scene.http.get("/api/v1/status", BEARER);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Set-Cookie")).doesNotContain("millrace-0=");
    }

    /// A page refreshes itself by such requests.
    @Test
    void aPageWhoseSessionHasEndedOpensTheForm() {
        Answer answer = scene.http.get("/", "HX-Request: true", "Accept: text/html, */*");

        assertProblem(answer, 401);
        assertThat(answer.header("HX-Redirect")).isEqualTo("/login");
    }

    /// The browser does not send the cookie with such a request.
    @Test
    void aLinkOfAnotherSiteOpensThePageAgain() {
        String[] link = {
            "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Accept: text/html"
        };
        Answer answer = scene.http.get("/tables", link);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Refresh")).isEqualTo("0");
        assertThat(answer.body()).isEmpty();
    }

    @Test
    void wrongTokensAreCountedByAddress() {
        var client = scene.http.from("127.0.0.77");
        for (int attempt = 0; attempt < FailedAttempts.AT_ONCE; attempt++) {
            assertProblem(client.get("/api/v1/status", "Authorization: Bearer wrong"), 401);
        }

        Answer refused = client.get("/api/v1/status", BEARER);
        assertProblem(refused, 429);
        assertThat(Long.parseLong(refused.header("Retry-After"))).isBetween(1L, 6L);
        assertThat(scene.http.from("127.0.0.78").get("/api/v1/status", BEARER).status())
                .isEqualTo(200);
        Visit visit = open();
        Answer form =
                client.post(
                        "/login",
                        "token=" + TOKEN + "&_csrf=" + visit.token(),
                        FORM,
                        visit.cookie());
        assertThat(form.header("Location")).matches(".*/login\\?wait=\\d");
        assertThat(scene.http.get("/login?wait=5").body()).contains("Wait 5 s.");
    }

    /// Requests without a credential guess nothing.
    @Test
    void requestsWithoutACredentialAreNotCounted() {
        var client = scene.http.from("127.0.0.79");
        for (int attempt = 0; attempt <= FailedAttempts.AT_ONCE; attempt++) {
            assertProblem(client.get("/api/v1/status"), 401);
            assertProblem(
                    client.get(
                            "/api/v1/status",
                            "Authorization: Basic "
                                    + Base64.getEncoder().encodeToString(new byte[] {58})),
                    401);
        }

        assertThat(client.get("/api/v1/status", BEARER).status()).isEqualTo(200);
    }
}
