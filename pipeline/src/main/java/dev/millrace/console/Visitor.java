package dev.millrace.console;

import dev.millrace.http.access.Caller;
import dev.millrace.http.access.RouteRules;
import dev.millrace.spec.access.AccessSetting.Role;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Objects;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Who sees a page, as far as the page shows it.
///
/// @param name empty if the service does not know it
/// @param csrf what a request of the page must contain
/// @param mayLogOut whether there is a session
public record Visitor(String name, Role role, String csrf, boolean mayLogOut) {

    /// Why this person may not send a request; empty if they may.
    ///
    /// @param body the fixed fields of the request; may be empty
    public String lacks(String method, String path, String body) {
        JsonNode fields = JsonMapper.shared().readTree(body.isEmpty() ? "{}" : body);
        Role needed =
                RouteRules.ofChange(
                        method.isEmpty() ? "POST" : method,
                        path,
                        fields.path("dryRun").asBoolean(false)
                                || fields.path("cancel").asBoolean(false));
        return role.includes(needed) ? "" : "Needs the role " + needed.id() + ".";
    }

    static Visitor current() {
        Caller caller = Caller.current();
        return new Visitor(
                caller.name(), caller.role(), pageToken(), request().getSession(false) != null);
    }

    /// The token that a form of a page sends back.
    static String pageToken() {
        return ((CsrfToken)
                        Objects.requireNonNull(
                                request().getAttribute(CsrfToken.class.getName()),
                                "the token of a page"))
                .getToken();
    }

    private static HttpServletRequest request() {
        return ((ServletRequestAttributes) RequestContextHolder.currentRequestAttributes())
                .getRequest();
    }
}
