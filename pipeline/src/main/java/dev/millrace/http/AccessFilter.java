package dev.millrace.http;

import dev.millrace.http.AccessPolicy.Denial;
import dev.millrace.http.AccessPolicy.RequestFacts;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Optional;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import tools.jackson.databind.json.JsonMapper;

/// Checks every request against the access policy and answers refused ones with a problem. Adds
/// headers to every response that forbid browsers to cache it, frame it or run scripts.
/// Thread-safe.
public final class AccessFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;

    private final transient AccessPolicy policy;
    private final transient JsonMapper json;

    public AccessFilter(AccessPolicy policy, JsonMapper json) {
        this.policy = policy;
        this.json = json;
    }

    @Override
    protected void doFilter(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        response.setHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Referrer-Policy", "no-referrer");
        response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        Optional<Denial> denial = policy.check(facts(request));
        if (denial.isEmpty()) {
            chain.doFilter(request, response);
        } else {
            refuse(request, response, denial.get());
        }
    }

    private static RequestFacts facts(HttpServletRequest request) {
        return new RequestFacts(
                request.getMethod(),
                request.getRequestURI(),
                Collections.list(request.getHeaders(HttpHeaders.HOST)),
                request.getHeader(HttpHeaders.ORIGIN),
                request.getHeader("Sec-Fetch-Site"),
                request.getHeader("Sec-Fetch-Mode"),
                request.getContentType(),
                request.getHeader(HttpHeaders.AUTHORIZATION));
    }

    private void refuse(HttpServletRequest request, HttpServletResponse response, Denial denial)
            throws IOException {
        if (denial.status() == HttpStatus.UNAUTHORIZED.value()) {
            response.addHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"millrace\"");
            response.addHeader(
                    HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"millrace\", charset=\"UTF-8\"");
        }
        ProblemDetail problem =
                Problems.of(HttpStatus.valueOf(denial.status()), denial.title(), denial.detail());
        problem.setInstance(Problems.instance(request));
        response.setStatus(denial.status());
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.getOutputStream().write(json.writeValueAsBytes(problem));
    }
}
