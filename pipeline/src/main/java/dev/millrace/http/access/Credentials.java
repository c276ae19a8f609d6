package dev.millrace.http.access;

import java.io.Serial;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.web.authentication.WebAuthenticationDetails;

/// Finds out who the caller is from the token of a request or of the login form. The name that a
/// form may send does not count. Thread-safe.
final class Credentials implements AuthenticationManager {

    private final AccessMode mode;
    private final FailedAttempts attempts;

    Credentials(AccessMode mode, FailedAttempts attempts) {
        this.mode = mode;
        this.attempts = attempts;
    }

    /// The address has presented wrong tokens too often.
    static final class TooManyAttempts extends AuthenticationException {

        @Serial private static final long serialVersionUID = 1L;

        private final Duration left;

        TooManyAttempts(Duration left) {
            super("too many wrong tokens");
            this.left = left;
        }

        /// Whole seconds to wait, at least one.
        long seconds() {
            return left.plusMillis(999).toSeconds();
        }
    }

    /// @throws TooManyAttempts if the token was not even looked at
    @Override
    public Authentication authenticate(Authentication given) {
        String address =
                given.getDetails() instanceof WebAuthenticationDetails details
                        ? details.getRemoteAddress()
                        : "";
        Optional<Duration> wait = attempts.begin(address);
        if (wait.isPresent()) {
            throw new TooManyAttempts(wait.get());
        }
        Caller caller =
                mode.find(String.valueOf(given.getCredentials()))
                        .orElseThrow(() -> new BadCredentialsException("wrong token"));
        attempts.succeeded(address);
        return authenticated(caller);
    }

    static Authentication authenticated(Caller caller) {
        return UsernamePasswordAuthenticationToken.authenticated(
                caller, null, List.of(new SimpleGrantedAuthority(caller.role().name())));
    }
}
