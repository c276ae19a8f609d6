package dev.millrace.http.access;

import dev.millrace.http.Problems;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Decides which requests a browser may send, for every caller. Without a token the service listens
/// only on a loopback address, but any web page in a browser on this machine can send requests to
/// it. So the Host header must be a loopback name (a page can make its own name resolve to
/// 127.0.0.1), the Origin must be the service itself, and a request that changes something must be
/// JSON (a form cannot send JSON). Pure and thread-safe.
sealed interface RequestPolicy {

    String BEARER = "bearer ";

    /// Returns why the request is refused, or empty if it is allowed.
    Optional<Denial> check(RequestFacts request);

    static RequestPolicy of(AccessMode mode) {
        return mode.needsCredential() ? new WithCredential() : new LoopbackOnly();
    }

    /// The checked parts of a request. An absent header is `null`.
    ///
    /// @param hosts all Host headers
    record RequestFacts(
            String scheme,
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

    record LoopbackOnly() implements RequestPolicy {

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
            if (request.origin() != null && !own(request, request.origin(), host.group(1))) {
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

        private static boolean own(RequestFacts request, String origin, @Nullable String port) {
            String scheme = request.scheme() + "://";
            if (!origin.startsWith(scheme)) {
                return false;
            }
            Matcher page = loopback(origin.substring(scheme.length()));
            return page.matches() && portOf(request, page.group(1)) == portOf(request, port);
        }

        private static int portOf(RequestFacts request, @Nullable String written) {
            return written == null
                    ? request.scheme().equals("https") ? 443 : 80
                    : Integer.parseInt(written);
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

    record WithCredential() implements RequestPolicy {

        @Override
        public Optional<Denial> check(RequestFacts request) {
            if (!isBearer(request.authorization()) && isOfOtherSite(request)) {
                return Optional.of(crossSite());
            }
            return Body.check(request);
        }

        /// A browser may add the cookie of a session to the requests of any page. What it says
        /// about the site counts; an older one says only the origin, which a proxy may make differ
        /// from the host.
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

        private static Denial crossSite() {
            return new Denial(
                    403,
                    "Cross-origin request refused",
                    "Pages of other origins cannot use the API in a browser. Open the console by its"
                            + " address.");
        }
    }

    /// The header of a request that no page of another site can send.
    static boolean isBearer(@Nullable String authorization) {
        return authorization != null
                && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length());
    }

    /// A POST must have a JSON body, which a form of another site cannot send. A form cannot send
    /// DELETE, which has no body. The API has no other changing methods. The forms of a session
    /// have a token of their own.
    final class Body {

        private static final Set<String> SESSION = Set.of("/login", "/logout");

        private Body() {}

        private static Optional<Denial> check(RequestFacts request) {
            if (!request.method().equals("POST") || SESSION.contains(request.path())) {
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
