package dev.millrace.http.access;

import dev.millrace.spec.access.AccessSetting.Role;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.PathContainer;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/// Which role each request needs. What only reads needs a viewer. What changes something needs what
/// its rule says, and the highest role if it has none. Thread-safe.
public final class RouteRules implements AuthorizationManager<RequestAuthorizationContext> {

    /// @param role empty for a request that needs no caller
    private record Rule(String method, PathPattern path, Optional<Role> role) {

        boolean matches(String asked, PathContainer at) {
            return method.equals(asked) && path.matches(at);
        }
    }

    private static final String[] CONSENTED = {
        "switchover", "rollback", "resolve", "complete", "abort"
    };

    private static final List<Rule> RULES =
            Stream.of(
                            open("GET", "/actuator/health/liveness", "/actuator/health/readiness"),
                            open("GET", "/login", "/console/style.css", "/console/icon.svg"),
                            changes(
                                    Role.OPERATOR,
                                    "pause",
                                    "resume",
                                    "kill",
                                    "throttle",
                                    "reconciliations",
                                    "rebackfill",
                                    "repair",
                                    "rejected/retry",
                                    "rejected/skip",
                                    "rejected/{id}/retry",
                                    "rejected/{id}/skip",
                                    "approvals/{id}/withdraw"),
                            changes(Role.APPROVER, "approvals/{id}/approve"),
                            Stream.of(
                                    rule(
                                            "DELETE",
                                            "/api/v1/reconciliations/{id}",
                                            Optional.of(Role.OPERATOR))),
                            // Their dry run needs no more; Consent asks for an approver.
                            changes(Role.OPERATOR, CONSENTED))
                    .flatMap(rules -> rules)
                    .toList();

    private static Stream<Rule> open(String method, String... paths) {
        return Stream.of(paths).map(path -> rule(method, path, Optional.empty()));
    }

    private static Stream<Rule> changes(Role role, String... paths) {
        return Stream.of(paths).map(path -> rule("POST", "/api/v1/" + path, Optional.of(role)));
    }

    private static Rule rule(String method, String path, Optional<Role> role) {
        return new Rule(method, PathPatternParser.defaultInstance.parse(path), role);
    }

    /// Whether a rule names this request.
    static boolean isRuled(String method, String path) {
        return find(method, path).isPresent();
    }

    /// The role that a change needs, also of those that the body decides about.
    ///
    /// @param tries whether it is a dry run, or the way back out of an operation
    public static Role ofChange(String method, String path, boolean tries) {
        boolean isConsented = Stream.of(CONSENTED).anyMatch(each -> path.equals("/api/v1/" + each));
        return isConsented && !tries ? Role.APPROVER : needed(method, path).orElse(Role.VIEWER);
    }

    /// @return empty if the request needs no caller
    static Optional<Role> needed(HttpServletRequest request) {
        return needed(request.getMethod(), request.getRequestURI());
    }

    static Optional<Role> needed(String method, String path) {
        Optional<Rule> rule = find(method.equals("HEAD") ? "GET" : method, path);
        if (rule.isPresent()) {
            return rule.get().role();
        }
        return Optional.of(
                switch (method) {
                    case "GET", "HEAD", "OPTIONS" -> Role.VIEWER;
                    default -> Role.APPROVER;
                });
    }

    private static Optional<Rule> find(String method, String path) {
        PathContainer at = PathContainer.parsePath(path);
        return RULES.stream().filter(rule -> rule.matches(method, at)).findFirst();
    }

    @Override
    public AuthorizationDecision authorize(
            Supplier<? extends @Nullable Authentication> authentication,
            RequestAuthorizationContext context) {
        Optional<Role> needed = needed(context.getRequest());
        return new AuthorizationDecision(
                needed.isEmpty()
                        || Caller.of(authentication.get())
                                .filter(caller -> caller.role().includes(needed.get()))
                                .isPresent());
    }
}
