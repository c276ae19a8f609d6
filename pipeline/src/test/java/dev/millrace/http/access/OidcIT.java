package dev.millrace.http.access;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.app.Http;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;

/// Tokens of an issuer, which runs here as an HTTP server with keys.
class OidcIT {

    private static final RSAKey KEY = key("one");
    private static final RSAKey FOREIGN = key("one");

    private static Issuer issuer;
    @AutoClose private static ServiceScene scene;

    /// An issuer that can be stopped, and started again at the same address.
    private static final class Issuer implements AutoCloseable {

        private final int port;
        private HttpServer server;
        private volatile int status = 200;
        private volatile CountDownLatch answers = new CountDownLatch(0);

        Issuer(RSAKey... keys) throws IOException {
            server = listen(0);
            port = server.getAddress().getPort();
            begin(keys);
        }

        private static HttpServer listen(int port) throws IOException {
            return HttpServer.create(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        }

        void restart(RSAKey... keys) throws IOException {
            server = listen(port);
            begin(keys);
        }

        private void begin(RSAKey... keys) {
            serve(
                    "/.well-known/openid-configuration",
                    "{\"issuer\": \"%s\", \"jwks_uri\": \"%s/keys\"}".formatted(url(), url()));
            serve("/keys", new JWKSet(List.<JWK>of(keys)).toString());
            server.start();
        }

        private void serve(String path, String body) {
            server.createContext(
                    path,
                    exchange -> {
                        await(answers);
                        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
                        exchange.getResponseHeaders().set("Content-Type", "application/json");
                        exchange.sendResponseHeaders(status, bytes.length);
                        exchange.getResponseBody().write(bytes);
                        exchange.close();
                    });
        }

        private static void await(CountDownLatch answers) {
            try {
                answers.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }

        String url() {
            return "http://127.0.0.1:" + port;
        }

        void stop() {
            server.stop(0);
        }

        @Override
        public void close() {
            stop();
        }
    }

    @BeforeAll
    static void start() throws Exception {
        issuer = new Issuer(KEY);
        scene = ServiceScene.named(access(url(), "realm_access.roles"));
    }

    @AfterAll
    static void stop() {
        issuer.close();
    }

    private static AccessSetting access(String issuer, String roleClaim) {
        return new AccessSetting(
                List.of(
                        new Token(
                                "ann",
                                Role.APPROVER,
                                Token.hashOf("ann-token"),
                                Optional.of("4711")),
                        new Token("bob", Role.APPROVER, Token.hashOf("bob-token"))),
                1,
                Optional.of(new Oidc(issuer, "millrace", roleClaim)));
    }

    private static String url() {
        return issuer.url();
    }

    private static RSAKey key(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static JWTClaimsSet.Builder claims(String... roles) {
        return new JWTClaimsSet.Builder()
                .issuer(url())
                .audience("millrace")
                .subject("4711")
                .claim("preferred_username", "eve")
                .claim("realm_access", Map.of("roles", List.of(roles)))
                .expirationTime(Date.from(Instant.now().plus(Duration.ofMinutes(5))));
    }

    private static String signed(RSAKey key, JOSEObjectType type, JWTClaimsSet claims)
            throws Exception {
        SignedJWT token =
                new SignedJWT(
                        new JWSHeader.Builder(JWSAlgorithm.RS256)
                                .keyID(key.getKeyID())
                                .type(type)
                                .build(),
                        claims);
        token.sign(new RSASSASigner(key));
        return token.serialize();
    }

    private static String signed(JWTClaimsSet claims) throws Exception {
        return signed(KEY, JOSEObjectType.JWT, claims);
    }

    private static Answer status(String token) {
        return scene.http.get("/api/v1/status", "Authorization: Bearer " + token);
    }

    private static Answer pause(String token) {
        return scene.http.post(
                "/api/v1/pause",
                "{\"what\": [\"apply\"], \"who\": \"mallory\"}",
                JSON,
                "Authorization: Bearer " + token);
    }

    @ParameterizedTest
    @CsvSource({
        "viewer, 403",
        "operator, 200",
        "approver, 200",
        "offline_access|operator|viewer, 200",
        "viewer|other, 403"
    })
    void theClaimGivesTheRole(String roles, int status) throws Exception {
        String token = signed(claims(roles.split("\\|")).build());

        assertThat(status(token).status()).isEqualTo(200);
        assertThat(pause(token).status()).isEqualTo(status);
    }

    @Test
    void theJournalHasTheSubject() throws Exception {
        pause(signed(claims("operator").build()));
        assertThat(scene.migration.changes.getLast().who()).contains("eve (oidc:4711)");

        pause(signed(claims("operator").claim("preferred_username", "e\u001b[2Jve\n").build()));
        assertThat(scene.migration.changes.getLast().who()).contains("e?[2Jve? (oidc:4711)");
    }

    @Test
    void aTokenWithoutARoleIsToldSo() throws Exception {
        Answer answer = status(signed(claims("other").build()));

        assertProblem(answer, 403);
        assertThat(answer.json().path("detail").asString()).contains("realm_access.roles");
        assertProblem(status(signed(claims().claim("realm_access", "viewer").build())), 403);
    }

    @Test
    void anAccessTokenOfRfc9068IsAccepted() throws Exception {
        assertThat(
                        status(signed(KEY, new JOSEObjectType("at+jwt"), claims("viewer").build()))
                                .status())
                .isEqualTo(200);
    }

    private static void refused(String token) {
        Answer answer = status(token);
        assertProblem(answer, 401);
        assertThat(answer.body()).doesNotContain("aud", "exp", "iss claim");
    }

    @Test
    void refusesAnotherAudience() throws Exception {
        refused(signed(claims("approver").audience("other").build()));
        refused(signed(claims("approver").audience((String) null).build()));
    }

    @Test
    void refusesAnotherIssuer() throws Exception {
        refused(signed(claims("approver").issuer("https://id.example").build()));
        refused(signed(claims("approver").issuer(null).build()));
    }

    @Test
    void refusesWhatHasExpiredOrNeverDoes() throws Exception {
        Instant past = Instant.now().minus(Duration.ofMinutes(5));
        refused(signed(claims("approver").expirationTime(Date.from(past)).build()));
        refused(signed(claims("approver").expirationTime(null).build()));
        refused(
                signed(
                        claims("approver")
                                .notBeforeTime(Date.from(Instant.now().plusSeconds(300)))
                                .build()));
    }

    @Test
    void refusesWhatTheIssuerHasNotSigned() throws Exception {
        refused(new PlainJWT(claims("approver").build()).serialize());
        refused(signed(FOREIGN, JOSEObjectType.JWT, claims("approver").build()));
        String whole = signed(claims("viewer").build());
        refused(whole.substring(0, whole.lastIndexOf('.') + 1));
        String[] parts = whole.split("\\.");
        String[] other = signed(claims("approver").build()).split("\\.");
        refused(parts[0] + "." + other[1] + "." + parts[2]);
        // The public key as the secret of a symmetric signature.
        SignedJWT symmetric =
                new SignedJWT(
                        new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(KEY.getKeyID()).build(),
                        claims("approver").build());
        symmetric.sign(new MACSigner(KEY.toRSAPublicKey().getEncoded()));
        refused(symmetric.serialize());
    }

    @Test
    void refusesATokenWithoutASubject() throws Exception {
        refused(signed(claims("approver").subject(null).build()));
    }

    @Test
    void tokensOfTheFileAreAcceptedToo() {
        assertThat(status("ann-token").status()).isEqualTo(200);
    }

    /// A session would outlive the token.
    @Test
    void noTokenOfAnIssuerOpensASession() throws Exception {
        Credentials credentials =
                new Credentials(
                        new AccessMode.Named(
                                new AccessSetting(
                                        List.of(),
                                        1,
                                        Optional.of(
                                                new Oidc(
                                                        url(), "millrace", "realm_access.roles")))),
                        Instant::now);
        String token = signed(claims("approver").build());

        assertThat(credentials.authenticate(new Credentials.Bearer(token)).isAuthenticated())
                .isTrue();
        assertThatThrownBy(
                        () ->
                                credentials.authenticate(
                                        UsernamePasswordAuthenticationToken.unauthenticated(
                                                "", token)))
                .hasMessageContaining("wrong token");
    }

    /// An approval of one's own request with a token of the other kind would be one person's.
    @Test
    void aPersonWithATokenOfBothKindsIsOnePerson() throws Exception {
        Credentials credentials =
                new Credentials(
                        new AccessMode.Named(access(url(), "realm_access.roles")), Instant::now);

        assertThat(id(credentials, "ann-token"))
                .isEqualTo(id(credentials, signed(claims("approver").build())))
                .isNotEqualTo(id(credentials, signed(claims("approver").subject("1").build())));
        assertThat(id(credentials, "bob-token"))
                .isEqualTo(id(credentials, signed(claims("approver").subject("bob").build())))
                .isNotEqualTo(id(credentials, "ann-token"));
    }

    private static String id(Credentials credentials, String token) {
        return Caller.of(credentials.authenticate(new Credentials.Bearer(token)))
                .orElseThrow()
                .id();
    }

    /// Nobody is locked out because of it, and tokens of known keys are verified all the while.
    @Test
    void anIssuerThatDoesNotAnswerIsNoWrongToken() throws Exception {
        RSAKey next = key("two");
        try (Issuer own = new Issuer(KEY);
                ServiceScene other = ServiceScene.named(access(own.url(), "realm_access.roles"))) {
            String known = signed(claims("viewer").issuer(own.url()).build());
            String unknown =
                    signed(next, JOSEObjectType.JWT, claims("viewer").issuer(own.url()).build());
            Http client = other.http.from("127.0.0.80");
            tokensOfTheFileDoNotWait(own, client, known);
            own.status = 500;
            unverifiedWithoutALimit(client, known);

            own.status = 200;
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> client.get("/api/v1/status", bearer(known)).status() == 200);

            own.stop();
            unverifiedWithoutALimit(client, unknown);
            assertThat(client.get("/api/v1/status", bearer(known)).status()).isEqualTo(200);
            assertThat(client.get("/api/v1/status", bearer("ann-token")).status()).isEqualTo(200);

            own.restart(KEY, next);
            assertThat(client.get("/api/v1/status", bearer(unknown)).status()).isEqualTo(200);
        }
    }

    /// While the issuer lets requests of the same address wait.
    private static void tokensOfTheFileDoNotWait(Issuer own, Http client, String token)
            throws Exception {
        own.answers = new CountDownLatch(1);
        own.status = 500;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer>> waiting =
                    Stream.generate(
                                    () ->
                                            threads.submit(
                                                    () ->
                                                            client.get(
                                                                    "/api/v1/status",
                                                                    bearer(token))))
                            .limit(FailedAttempts.AT_ONCE)
                            .toList();
            try {
                for (int time = 0; time <= FailedAttempts.AT_ONCE; time++) {
                    assertThat(client.get("/api/v1/status", bearer("ann-token")).status())
                            .isEqualTo(200);
                }
                assertThat(waiting).noneMatch(Future::isDone);
            } finally {
                own.answers.countDown();
            }
            for (Future<Answer> answer : waiting) {
                assertProblem(answer.get(), 503);
            }
        }
    }

    private static String bearer(String token) {
        return "Authorization: Bearer " + token;
    }

    private static void unverifiedWithoutALimit(Http client, String token) {
        for (int time = 0; time <= FailedAttempts.AT_ONCE; time++) {
            Answer answer = client.get("/api/v1/status", bearer(token));

            assertProblem(answer, 503);
            assertThat(answer.json().path("title").asString()).isEqualTo("Issuer not reachable");
            assertThat(answer.json().path("detail").asString())
                    .contains("cannot be verified", "Retry in a moment", "a token of the file");
        }
    }
}
