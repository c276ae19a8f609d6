package dev.millrace.http.access;

import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Role;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.web.client.RestTemplate;

/// Verifies tokens of an OpenID Connect issuer: signed with one of its keys, for our audience, and
/// not expired. The issuer is asked for its keys when the first token arrives, so the service
/// starts without it. Thread-safe.
final class IssuedTokens {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int LONGEST_NAME = 100;

    /// What RFC 9068 calls an access token, and what older issuers write.
    private static final List<String> TYPES = List.of("JWT", "at+jwt", "application/at+jwt");

    /// How long the issuer is left alone after it did not answer. Until it has answered once,
    /// requests wait for each other, each for the whole timeout.
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Oidc oidc;
    private final InstantSource clock;
    private final JwtDecoder decoder;

    /// Only used by the thread that asks the issuer for its first answer.
    private @Nullable Instant failedAt;

    IssuedTokens(Oidc oidc, InstantSource clock) {
        this.oidc = oidc;
        this.clock = clock;
        this.decoder = new SupplierJwtDecoder(this::first);
    }

    /// Called by one thread at a time, until it returns.
    private JwtDecoder first() {
        if (failedAt != null
                && Duration.between(failedAt, clock.instant()).abs().compareTo(PAUSE) < 0) {
            throw new IllegalStateException("The issuer has just not answered.");
        }
        try {
            return decoder(oidc);
        } catch (RuntimeException e) {
            failedAt = clock.instant();
            throw e;
        }
    }

    private static JwtDecoder decoder(Oidc oidc) {
        SimpleClientHttpRequestFactory requests = new SimpleClientHttpRequestFactory();
        requests.setConnectTimeout(TIMEOUT);
        requests.setReadTimeout(TIMEOUT);
        NimbusJwtDecoder decoder =
                NimbusJwtDecoder.withIssuerLocation(oidc.issuer())
                        .restOperations(new RestTemplate(requests))
                        .validateType(false)
                        .build();
        decoder.setJwtValidator(validator(oidc));
        return decoder;
    }

    private static OAuth2TokenValidator<Jwt> validator(Oidc oidc) {
        JwtTypeValidator type = new JwtTypeValidator(TYPES);
        type.setAllowEmpty(true);
        return new DelegatingOAuth2TokenValidator<>(
                type,
                new JwtTimestampValidator(),
                // The timestamp validator accepts a token that never expires.
                new JwtClaimValidator<@Nullable Object>(JwtClaimNames.EXP, Objects::nonNull),
                new JwtClaimValidator<@Nullable Object>(JwtClaimNames.SUB, Objects::nonNull),
                new JwtIssuerValidator(oidc.issuer()),
                new JwtClaimValidator<@Nullable Collection<String>>(
                        JwtClaimNames.AUD,
                        audience -> audience != null && audience.contains(oidc.audience())));
    }

    /// Whether a token has the form of an issued one.
    static boolean isIssued(String token) {
        return token.startsWith("eyJ") && token.chars().filter(each -> each == '.').count() == 2;
    }

    String roleClaim() {
        return oidc.roleClaim();
    }

    /// @return empty if the token has no role
    /// @throws JwtException a [org.springframework.security.oauth2.jwt.BadJwtException] if the
    ///   token is not valid, another one if the issuer cannot be asked
    Optional<Caller> find(String token) {
        Jwt verified = decoder.decode(token);
        String subject = Caller.issued(Objects.requireNonNull(verified.getSubject()));
        String name = verified.getClaimAsString("preferred_username");
        String shown = name == null ? subject : name + " (" + subject + ")";
        return role(verified.getClaims(), oidc.roleClaim())
                .map(role -> new Caller(subject, line(shown), role));
    }

    /// The name goes to the journal and to terminals.
    private static String line(String name) {
        String text = name.replaceAll("\\p{Cntrl}", "?");
        return text.length() > LONGEST_NAME ? text.substring(0, LONGEST_NAME) : text;
    }

    /// The highest role of the claim.
    static Optional<Role> role(Map<String, Object> claims, String path) {
        return values(claims, path)
                .flatMap(value -> Role.of(value).stream())
                .max((one, other) -> one.includes(other) ? other.includes(one) ? 0 : 1 : -1);
    }

    /// A claim may have a dot in its name.
    private static Stream<String> values(Map<?, ?> claims, String path) {
        Object value = claims.get(path);
        if (value instanceof Collection<?> list) {
            return list.stream().map(String::valueOf);
        }
        if (value instanceof String text) {
            return Stream.of(text.split(" "));
        }
        int dot = path.indexOf('.');
        return dot > 0 && claims.get(path.substring(0, dot)) instanceof Map<?, ?> nested
                ? values(nested, path.substring(dot + 1))
                : Stream.empty();
    }
}
