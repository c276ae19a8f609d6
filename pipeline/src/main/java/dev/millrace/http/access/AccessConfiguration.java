package dev.millrace.http.access;

import jakarta.servlet.http.HttpServletRequest;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationFilter;
import org.springframework.security.web.authentication.WebAuthenticationDetails;
import org.springframework.security.web.authentication.www.BasicAuthenticationFilter;
import org.springframework.security.web.csrf.CookieCsrfTokenRepository;
import org.springframework.security.web.csrf.CsrfFilter;
import org.springframework.security.web.header.writers.CrossOriginResourcePolicyHeaderWriter.CrossOriginResourcePolicy;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.header.writers.StaticHeadersWriter;
import org.springframework.security.web.savedrequest.NullRequestCache;
import tools.jackson.databind.json.JsonMapper;

/// Spring Security's configuration. A program sends its token with each request; a browser logs in
/// with a form and has a session, whose requests must also have the CSRF token of a page.
@Configuration(proxyBeanMethods = false)
public class AccessConfiguration {

    private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    @Bean
    Refusals refusals(JsonMapper json) {
        return new Refusals(json);
    }

    /// After Spring Boot's own, so that this valve reports first.
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> problemValve(JsonMapper json) {
        return server ->
                server.addContextCustomizers(
                        context ->
                                context.getParent().getPipeline().addValve(new ProblemValve(json)));
    }

    @Bean
    AuthenticationManager credentials(AccessMode mode, InstantSource clock) {
        return new Credentials(mode, clock);
    }

    /// Their metrics would count every request once more.
    @Bean
    SecurityObservationSettings observations() {
        return SecurityObservationSettings.noObservations();
    }

    @Bean
    SecurityFilterChain securityFilterChain(
            HttpSecurity http,
            AccessMode mode,
            AuthenticationManager credentials,
            Refusals refusals,
            @Value("${server.servlet.session.cookie.name}") String cookie)
            throws Exception {
        http.authenticationManager(credentials)
                .headers(AccessConfiguration::headers)
                .csrf(
                        csrf ->
                                csrf.csrfTokenRepository(csrfCookie(cookie))
                                        .requireCsrfProtectionMatcher(
                                                request -> needsPageToken(mode, request)))
                .requestCache(cache -> cache.requestCache(new NullRequestCache()))
                .exceptionHandling(
                        handling ->
                                handling.authenticationEntryPoint(refusals)
                                        .accessDeniedHandler(refusals))
                .authorizeHttpRequests(rules -> rules.anyRequest().access(new RouteRules()))
                .addFilterBefore(
                        new RequestFilter(RequestPolicy.of(mode), refusals), CsrfFilter.class);
        if (mode.needsCredential()) {
            http.anonymous(anonymous -> anonymous.disable())
                    .formLogin(
                            form ->
                                    form.loginPage(Refusals.LOGIN)
                                            .passwordParameter("token")
                                            .defaultSuccessUrl("/", true)
                                            .failureHandler(refusals.afterLogin()))
                    .logout(logout -> logout.logoutSuccessUrl(Refusals.LOGIN))
                    .addFilterBefore(
                            bearer(credentials, refusals), BasicAuthenticationFilter.class);
        } else {
            http.logout(logout -> logout.disable())
                    .anonymous(
                            anonymous ->
                                    anonymous
                                            .principal(Caller.ANYBODY)
                                            .authorities(
                                                    List.of(
                                                            new SimpleGrantedAuthority(
                                                                    Caller.ANYBODY
                                                                            .role()
                                                                            .name()))));
        }
        return http.build();
    }

    private static void headers(HeadersConfigurer<HttpSecurity> headers) {
        headers.contentSecurityPolicy(
                        policy ->
                                policy.policyDirectives(
                                        "default-src 'none'; frame-ancestors 'none'"))
                .referrerPolicy(policy -> policy.policy(ReferrerPolicy.NO_REFERRER))
                .crossOriginResourcePolicy(
                        policy -> policy.policy(CrossOriginResourcePolicy.SAME_ORIGIN))
                .cacheControl(cache -> cache.disable())
                .xssProtection(xss -> xss.disable())
                // It would concern every other port of this host too.
                .httpStrictTransportSecurity(transport -> transport.disable())
                .addHeaderWriter(new StaticHeadersWriter(HttpHeaders.CACHE_CONTROL, "no-store"));
    }

    /// The cookie and the page have the same token. Another site can neither read nor set them.
    private static CookieCsrfTokenRepository csrfCookie(String session) {
        CookieCsrfTokenRepository tokens = new CookieCsrfTokenRepository();
        tokens.setCookieName(session + "-csrf");
        tokens.setHeaderName("X-CSRF-TOKEN");
        tokens.setCookiePath("/");
        tokens.setCookieCustomizer(cookie -> cookie.sameSite("Strict"));
        return tokens;
    }

    /// A request with a bearer token cannot be forged by a page. Without a session there is nothing
    /// to forge, except where no credential is needed; there, programs say nothing about a site.
    private static boolean needsPageToken(AccessMode mode, HttpServletRequest request) {
        if (READING.contains(request.getMethod())
                || RequestPolicy.isBearer(request.getHeader(HttpHeaders.AUTHORIZATION))) {
            return false;
        }
        return mode.needsCredential()
                ? request.getSession(false) != null
                        || request.getRequestURI().equals(Refusals.LOGIN)
                : request.getHeader(HttpHeaders.ORIGIN) != null
                        || request.getHeader("Sec-Fetch-Site") != null;
    }

    private static AuthenticationFilter bearer(
            AuthenticationManager credentials, Refusals refusals) {
        AuthenticationFilter filter =
                new AuthenticationFilter(credentials, AccessConfiguration::token);
        filter.setSuccessHandler((_, _, _) -> {});
        filter.setFailureHandler(refusals::commence);
        return filter;
    }

    /// @return `null` if the request has no bearer token
    private static @Nullable Authentication token(HttpServletRequest request) {
        String header = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (header == null || !RequestPolicy.isBearer(header)) {
            return null;
        }
        Credentials.Bearer token =
                new Credentials.Bearer(header.substring(RequestPolicy.BEARER.length()).strip());
        token.setDetails(new WebAuthenticationDetails(request));
        return token;
    }
}
