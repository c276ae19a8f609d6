package dev.millrace.http;

import dev.millrace.spec.Secret;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Whose requests are taken. Without a token the service listens on a loopback address, where every
/// web page that a browser on this machine shows can reach it: so the name it was asked by must be
/// a loopback one (a page can make its own name resolve to 127.0.0.1), the page must be the
/// service's own, and what changes something must be JSON (a form can't send it). Pure.
public sealed interface AccessPolicy {

    /// Tells why the request is refused, or nothing.
    Optional<Denial> judge(Asked asked);

    static AccessPolicy guarding(Secret token) {
        return token.isPresent() ? new WithToken(token) : new FromThisMachine();
    }

    /// What of a request is judged; a header that is absent is `null`.
    ///
    /// @param hosts every Host header
    record Asked(
            String method,
            String path,
            List<String> hosts,
            @Nullable String origin,
            @Nullable String fetchSite,
            @Nullable String contentType,
            @Nullable String authorization) {}

    record Denial(int status, String title, String detail) {}

    record FromThisMachine() implements AccessPolicy {

        private static final Pattern LOOPBACK =
                Pattern.compile("(?:127\\.0\\.0\\.1|localhost|\\[::1])(?::(\\d{1,5}))?");

        @Override
        public Optional<Denial> judge(Asked asked) {
            if (asked.hosts().size() != 1) {
                return Optional.of(foreignHost());
            }
            Matcher host = loopback(asked.hosts().getFirst());
            if (!host.matches()) {
                return Optional.of(foreignHost());
            }
            if (asked.origin() != null && !own(asked.origin(), host.group(1))) {
                return Optional.of(foreignPage());
            }
            if (asked.fetchSite() != null
                    && !asked.fetchSite().equals("same-origin")
                    && !asked.fetchSite().equals("none")) {
                return Optional.of(foreignPage());
            }
            return Body.judge(asked);
        }

        private static boolean own(String origin, @Nullable String port) {
            String scheme = "http://";
            if (!origin.startsWith(scheme)) {
                return false;
            }
            Matcher page = loopback(origin.substring(scheme.length()));
            return page.matches() && portOf(page.group(1)) == portOf(port);
        }

        private static int portOf(@Nullable String written) {
            return written == null ? 80 : Integer.parseInt(written);
        }

        private static Matcher loopback(String authority) {
            return LOOPBACK.matcher(authority.toLowerCase(Locale.ROOT));
        }

        private static Denial foreignHost() {
            return new Denial(
                    403,
                    "Not asked by a name of this machine",
                    "Without a token only requests to 127.0.0.1, localhost or [::1] are taken. To"
                            + " be reached by another name, start the service with MILLRACE_TOKEN.");
        }

        private static Denial foreignPage() {
            return new Denial(
                    403,
                    "Asked by another site's page",
                    "Without a token no other site's page may ask. Use the command line, or start"
                            + " the service with MILLRACE_TOKEN.");
        }
    }

    record WithToken(Secret token) implements AccessPolicy {

        private static final String SCHEME = "bearer ";

        @Override
        public Optional<Denial> judge(Asked asked) {
            if (asked.method().equals("GET") && isProbe(asked.path())) {
                return Optional.empty();
            }
            String given = asked.authorization();
            if (given == null
                    || !given.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                    || !matches(given.substring(SCHEME.length()).strip())) {
                return Optional.of(
                        new Denial(
                                401,
                                "No token, or not the service's",
                                "Send the header 'Authorization: Bearer' with the token; the"
                                        + " command line takes it from MILLRACE_TOKEN."));
            }
            return Body.judge(asked);
        }

        private static boolean isProbe(String path) {
            return path.equals("/actuator/health/liveness")
                    || path.equals("/actuator/health/readiness");
        }

        /// In a time that tells nothing about where they part.
        private boolean matches(String given) {
            return MessageDigest.isEqual(
                    given.getBytes(StandardCharsets.UTF_8),
                    token.reveal().getBytes(StandardCharsets.UTF_8));
        }
    }

    /// What changes something is asked for in JSON, which no form of another site's page sends. A
    /// DELETE has no body, and no form sends one. Other methods are not taken.
    final class Body {

        private Body() {}

        private static Optional<Denial> judge(Asked asked) {
            if (!asked.method().equals("POST")) {
                return Optional.empty();
            }
            String type = asked.contentType() == null ? "" : asked.contentType();
            int parameters = type.indexOf(';');
            String bare = parameters < 0 ? type : type.substring(0, parameters);
            if (bare.strip().equalsIgnoreCase("application/json")) {
                return Optional.empty();
            }
            return Optional.of(
                    new Denial(
                            415,
                            type.isEmpty() ? "There is no JSON body" : "The body is not JSON",
                            "Send one with 'Content-Type: application/json', "
                                    + Problems.COMPARISON_BODY));
        }
    }
}
