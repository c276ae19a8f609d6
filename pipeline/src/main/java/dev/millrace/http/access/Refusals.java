package dev.millrace.http.access;

import dev.millrace.http.Problems;
import dev.millrace.http.access.Credentials.NoRole;
import dev.millrace.http.access.Credentials.TooManyAttempts;
import dev.millrace.lifecycle.Incident;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.authentication.AuthenticationFailureHandler;
import org.springframework.security.web.csrf.CsrfException;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import tools.jackson.databind.json.JsonMapper;

/// Answers refused requests: a program gets a problem, a person in a browser the login form.
/// Thread-safe.
final class Refusals
        implements AuthenticationEntryPoint, AccessDeniedHandler, RequestRejectedHandler {

    static final String LOGIN = "/login";

    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    private final JsonMapper json;

    Refusals(JsonMapper json) {
        this.json = json;
    }

    /// No credential, or a wrong one.
    @Override
    public void commence(
            HttpServletRequest request, HttpServletResponse response, AuthenticationException why)
            throws IOException {
        if (why instanceof TooManyAttempts wait) {
            response.setHeader(HttpHeaders.RETRY_AFTER, String.valueOf(wait.seconds()));
            write(
                    request,
                    response,
                    HttpStatus.TOO_MANY_REQUESTS,
                    "Too many wrong tokens",
                    "This address has sent too many wrong tokens. Wait %d s, then send the right one."
                            .formatted(wait.seconds()));
        } else if (why instanceof NoRole none) {
            write(
                    request,
                    response,
                    HttpStatus.FORBIDDEN,
                    "Role not sufficient",
                    "The token has no role here: its claim %s names none of viewer, operator and approver. Ask the administrator of the issuer for one."
                            .formatted(none.claim()));
        } else if (why instanceof AuthenticationServiceException) {
            Incident incident = Incident.log(LOG, "the issuer of tokens cannot be asked", why);
            response.setHeader(HttpHeaders.RETRY_AFTER, "5");
            write(
                    request,
                    response,
                    HttpStatus.SERVICE_UNAVAILABLE,
                    "Issuer not reachable",
                    "The token cannot be verified, because its issuer does not answer as expected"
                            + " (incident "
                            + incident.id()
                            + "). Retry in a moment, or use a token of the file.");
        } else if (isPage(request)) {
            askAPerson(request, response);
        } else {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"millrace\"");
            // A page whose session has ended refreshes itself by such requests.
            if (request.getHeader("HX-Request") != null) {
                response.setHeader("HX-Redirect", LOGIN);
            }
            write(
                    request,
                    response,
                    HttpStatus.UNAUTHORIZED,
                    "Missing or wrong token",
                    "Send the header 'Authorization: Bearer' with the token. The command line reads"
                            + " the token from MILLRACE_TOKEN. In a browser, open /login.");
        }
    }

    private static boolean isPage(HttpServletRequest request) {
        String accept = request.getHeader(HttpHeaders.ACCEPT);
        return request.getMethod().equals("GET")
                && !request.getRequestURI().startsWith("/api/")
                && !request.getRequestURI().startsWith("/actuator")
                && request.getHeader("HX-Request") == null
                && accept != null
                && accept.contains(MediaType.TEXT_HTML_VALUE);
    }

    /// The browser does not send the cookie of the session when a person follows a link of another
    /// site. Then it opens the page again by itself, now as a request of this site.
    private static void askAPerson(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        String site = request.getHeader("Sec-Fetch-Site");
        if ("cross-site".equals(site) || "same-site".equals(site)) {
            response.setHeader("Refresh", "0");
            response.setContentType(MediaType.TEXT_HTML_VALUE);
        } else {
            response.sendRedirect(LOGIN);
        }
    }

    /// A role that is not enough, or a form without the token of its page.
    @Override
    public void handle(
            HttpServletRequest request, HttpServletResponse response, AccessDeniedException why)
            throws IOException {
        if (why instanceof CsrfException) {
            write(
                    request,
                    response,
                    HttpStatus.FORBIDDEN,
                    "The page has expired, or is of another site",
                    "The request does not have the token of a page that the service has sent. Reload"
                            + " the page and send it again.");
        } else {
            Authentication caller = SecurityContextHolder.getContext().getAuthentication();
            write(
                    request,
                    response,
                    HttpStatus.FORBIDDEN,
                    "Role not sufficient",
                    "%s may not send this request. Ask a person with the role %s."
                            .formatted(
                                    Caller.of(caller)
                                            .map(
                                                    each ->
                                                            each.name()
                                                                    + ", whose role is "
                                                                    + each.role().id()
                                                                    + ",")
                                            .orElse("This caller"),
                                    RouteRules.needed(request)
                                            .map(role -> role.id() + " or higher")
                                            .orElse("needed")));
        }
    }

    /// A path that is written in a way that different parts of a server may read differently.
    @Override
    public void handle(
            HttpServletRequest request, HttpServletResponse response, RequestRejectedException why)
            throws IOException {
        // It comes before the filter that sets them.
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        response.setHeader("X-Content-Type-Options", "nosniff");
        write(
                request,
                response,
                HttpStatus.BAD_REQUEST,
                "Invalid request",
                "The address or a header has characters that are not allowed, such as '//', '..' or"
                        + " ';' in the path. Write the path without them.");
    }

    AuthenticationFailureHandler afterLogin() {
        return (_, response, why) ->
                response.sendRedirect(
                        LOGIN
                                + (why instanceof TooManyAttempts wait
                                        ? "?wait=" + wait.seconds()
                                        : "?wrong"));
    }

    void write(
            HttpServletRequest request,
            HttpServletResponse response,
            HttpStatus status,
            String title,
            String detail)
            throws IOException {
        ProblemDetail problem = Problems.of(status, title, detail);
        problem.setInstance(Problems.instance(request));
        response.setStatus(status.value());
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.getOutputStream().write(json.writeValueAsBytes(problem));
    }
}
