package dev.millrace.http.access;

import dev.millrace.http.access.RequestPolicy.Denial;
import dev.millrace.http.access.RequestPolicy.RequestFacts;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Optional;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.filter.OncePerRequestFilter;

/// Checks every request against the policy, before anything else is done with it. Thread-safe.
final class RequestFilter extends OncePerRequestFilter {

    private final RequestPolicy policy;
    private final Refusals refusals;

    RequestFilter(RequestPolicy policy, Refusals refusals) {
        this.policy = policy;
        this.refusals = refusals;
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<Denial> denial = policy.check(facts(request));
        if (denial.isEmpty()) {
            chain.doFilter(request, response);
        } else {
            Denial why = denial.get();
            refusals.write(
                    request, response, HttpStatus.valueOf(why.status()), why.title(), why.detail());
        }
    }

    private static RequestFacts facts(HttpServletRequest request) {
        return new RequestFacts(
                request.getScheme(),
                request.getMethod(),
                request.getRequestURI(),
                Collections.list(request.getHeaders(HttpHeaders.HOST)),
                request.getHeader(HttpHeaders.ORIGIN),
                request.getHeader("Sec-Fetch-Site"),
                request.getHeader("Sec-Fetch-Mode"),
                request.getContentType(),
                request.getHeader(HttpHeaders.AUTHORIZATION));
    }
}
