package dev.millrace.http;

import dev.millrace.spec.Secret;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Decides which requests are allowed. Without a token the service listens only on a loopback
/// address, but any web page in a browser on this machine can send requests to it. So the Host
/// header must be a loopback name (a page can make its own name resolve to 127.0.0.1), the Origin
/// must be the service itself, and a request that changes something must be JSON (a form cannot
/// send JSON). Pure and thread-safe.
public sealed interface AccessPolicy {

    /// Returns why the request is refused, or empty if it is allowed.
    Optional<Denial> check(RequestFacts request);

    static AccessPolicy of(Secret token) {
        return token.isPresent() ? new WithToken(token) : new LoopbackOnly();
    }

    /// The checked parts of a request. An absent header is `null`.
    ///
    /// @param hosts all Host headers
    record RequestFacts(
            String method,
            String path,
            List<String> hosts,
            @Nullable String origin,
            @Nullable String fetchSite,
            @Nullable String fetchMode,
            @Nullable String contentType,
            @Nullable String authorization) {

        /// A person follows a link to a page of the console. Such a request cannot change anything,
        /// and the page that has the link cannot read the answer.
        private boolean opensAPage() {
            return method.equals("GET")
                    && "navigate".equals(fetchMode)
                    && !path.startsWith("/api/")
                    && !path.startsWith("/actuator");
        }
    }

    record Denial(int status, String title, String detail) {}

    record LoopbackOnly() implements AccessPolicy {

        private static final Pattern LOOPBACK =
                Pattern.compile("(?:127\\.0\\.0\\.1|localhost|\\[::1])(?::(\\d{1,5}))?");

        @Override
        public Optional<Denial> check(RequestFacts request) {
            if (request.hosts().size() != 1) {
                return Optional.of(hostNotAllowed());
            }
            Matcher host = loopback(request.hosts().getFirst());
            if (!host.matches()) {
                return Optional.of(hostNotAllowed());
            }
            if (request.origin() != null && !own(request.origin(), host.group(1))) {
                return Optional.of(crossOrigin());
            }
            if (request.fetchSite() != null
                    && !request.opensAPage()
                    && !request.fetchSite().equals("same-origin")
                    && !request.fetchSite().equals("none")) {
                return Optional.of(crossOrigin());
            }
            return Body.check(request);
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

        private static Denial hostNotAllowed() {
            return new Denial(
                    403,
                    "Host header not allowed",
                    "Without a token, only requests to 127.0.0.1, localhost or [::1] are"
                            + " allowed. To use another name, start the service with"
                            + " MILLRACE_TOKEN.");
        }

        private static Denial crossOrigin() {
            return new Denial(
                    403,
                    "Cross-origin request refused",
                    "Without a token, pages of other origins cannot use the API. Use the command"
                            + " line, or start the service with MILLRACE_TOKEN.");
        }
    }

    record WithToken(Secret token) implements AccessPolicy {

        private static final String BEARER = "bearer ";

        /// What a browser asks a person for: any name, and the token as the password.
        private static final String BASIC = "basic ";

        @Override
        public Optional<Denial> check(RequestFacts request) {
            if (request.method().equals("GET") && isProbe(request.path())) {
                return Optional.empty();
            }
            String given = Objects.requireNonNullElse(request.authorization(), "");
            if (starts(given, BEARER)) {
                return matches(given.substring(BEARER.length()).strip())
                        ? Body.check(request)
                        : Optional.of(wrongToken());
            }
            if (starts(given, BASIC)) {
                if (!matches(password(given.substring(BASIC.length()).strip()))) {
                    return Optional.of(wrongToken());
                }
                return isOfOtherSite(request) ? Optional.of(crossSite()) : Body.check(request);
            }
            return Optional.of(wrongToken());
        }

        private static boolean starts(String given, String scheme) {
            return given.regionMatches(true, 0, scheme, 0, scheme.length());
        }

        /// Empty if it is not the name and password of a browser.
        private static String password(String encoded) {
            try {
                String both =
                        new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
                return both.substring(both.indexOf(':') + 1);
            } catch (IllegalArgumentException _) {
                return "";
            }
        }

        /// A browser adds the password to the requests of any page. What it says about the site
        /// counts; an older one says only the origin, which a proxy may make differ from the host.
        private static boolean isOfOtherSite(RequestFacts request) {
            String site = request.fetchSite();
            if (site != null) {
                return !site.equals("same-origin") && !site.equals("none") && !request.opensAPage();
            }
            String origin = request.origin();
            return origin != null
                    && (request.hosts().size() != 1
                            || !origin.replaceFirst("^https?://", "")
                                    .equalsIgnoreCase(request.hosts().getFirst()));
        }

        private static Denial wrongToken() {
            return new Denial(
                    401,
                    "Missing or wrong token",
                    "Send the header 'Authorization: Bearer' with the token. The command line reads"
                            + " the token from MILLRACE_TOKEN. In a browser, enter any name, and the"
                            + " token as the password.");
        }

        private static Denial crossSite() {
            return new Denial(
                    403,
                    "Cross-origin request refused",
                    "Pages of other origins cannot use the API in a browser. Open the console by its"
                            + " address.");
        }

        private static boolean isProbe(String path) {
            return path.equals("/actuator/health/liveness")
                    || path.equals("/actuator/health/readiness");
        }

        /// Compares in constant time, so that the response time does not reveal a matching prefix.
        private boolean matches(String given) {
            return MessageDigest.isEqual(
                    given.getBytes(StandardCharsets.UTF_8),
                    token.reveal().getBytes(StandardCharsets.UTF_8));
        }
    }

    /// A POST must have a JSON body, which a form of another site cannot send. A form cannot send
    /// DELETE, which has no body. The API has no other changing methods.
    final class Body {

        private Body() {}

        private static Optional<Denial> check(RequestFacts request) {
            if (!request.method().equals("POST")) {
                return Optional.empty();
            }
            String type = request.contentType() == null ? "" : request.contentType();
            int parameters = type.indexOf(';');
            String bare = parameters < 0 ? type : type.substring(0, parameters);
            if (bare.strip().equalsIgnoreCase("application/json")) {
                return Optional.empty();
            }
            return Optional.of(
                    new Denial(
                            415,
                            type.isEmpty() ? "JSON body missing" : "Body is not JSON",
                            "Send a body with 'Content-Type: application/json': "
                                    + Problems.body(request.path())));
        }
    }
}
