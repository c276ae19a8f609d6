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
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

    private static HttpServer issuer;
    private static volatile boolean broken;
    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        issuer = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        serve(
                "/.well-known/openid-configuration",
                "{\"issuer\": \"%s\", \"jwks_uri\": \"%s/keys\"}".formatted(url(), url()));
        serve("/keys", new JWKSet(KEY.toPublicJWK()).toString());
        issuer.start();
        scene =
                ServiceScene.named(
                        new AccessSetting(
                                List.of(new Token("ann", Role.APPROVER, Token.hashOf("ann-token"))),
                                1,
                                Optional.of(new Oidc(url(), "millrace", "realm_access.roles"))));
    }

    @AfterAll
    static void stop() {
        issuer.stop(0);
    }

    private static String url() {
        return "http://127.0.0.1:" + issuer.getAddress().getPort();
    }

    private static void serve(String path, String body) {
        issuer.createContext(
                path,
                exchange -> {
                    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
                    exchange.getResponseHeaders().set("Content-Type", "application/json");
                    exchange.sendResponseHeaders(broken ? 500 : 200, bytes.length);
                    exchange.getResponseBody().write(bytes);
                    exchange.close();
                });
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
                        new FailedAttempts(Instant::now));
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

    @Test
    void anIssuerThatDoesNotAnswerIsNoWrongToken() throws Exception {
        broken = true;
        try (ServiceScene other =
                ServiceScene.named(
                        new AccessSetting(
                                List.of(), 1, Optional.of(new Oidc(url(), "millrace", "roles"))))) {
            String token = signed(claims("approver").claim("roles", "approver").build());

            Answer answer = other.http.get("/api/v1/status", "Authorization: Bearer " + token);

            assertProblem(answer, 503);
            broken = false;
            assertThat(other.http.get("/api/v1/status", "Authorization: Bearer " + token).status())
                    .isEqualTo(200);
        } finally {
            broken = false;
        }
    }
}
