package dev.millrace.http.access;

import dev.millrace.spec.access.AccessSetting.Role;
import java.io.Serializable;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;

/// Who sends a request. Immutable.
///
/// @param id what the credential proves; no other person has it. Empty if all callers have the same
///   credential, or need none
/// @param name for people; empty without an id
public record Caller(String id, String name, Role role) implements Serializable {

    /// The caller of a service without tokens of persons.
    static final Caller ANYBODY = new Caller("", "", Role.APPROVER);

    public static Optional<Caller> of(@Nullable Authentication authentication) {
        return authentication != null && authentication.getPrincipal() instanceof Caller caller
                ? Optional.of(caller)
                : Optional.empty();
    }

    /// The id of a person whom an issuer knows.
    static String issued(String subject) {
        return "oidc:" + subject;
    }

    /// The caller of the request that this thread handles.
    ///
    /// @throws IllegalStateException outside a request that was allowed
    public static Caller current() {
        return of(SecurityContextHolder.getContext().getAuthentication())
                .orElseThrow(() -> new IllegalStateException("No request has been allowed."));
    }

    public boolean isKnown() {
        return !id.isEmpty();
    }

    /// How the journal names the caller.
    ///
    /// @param given what the client says; it counts only if the credential proves no name
    public Optional<String> journaled(Optional<String> given) {
        return isKnown() ? Optional.of(name) : given.map(each -> each + " (unverified)");
    }
}
