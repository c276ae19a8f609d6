package dev.millrace.http.access;

import java.io.Serial;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.JwtDecoderInitializationException;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.web.authentication.WebAuthenticationDetails;

/// Finds out who the caller is from the token of a request or of the login form. The name that a
/// form may send does not count. Thread-safe.
final class Credentials implements AuthenticationManager {

    private final AccessMode mode;
    private final FailedAttempts attempts;

    /// Apart from the others, because the verification of such a token may take as long as the
    /// issuer does: tokens of the file must not wait for that.
    private final FailedAttempts issuedAttempts;

    private final Optional<IssuedTokens> issued;

    Credentials(AccessMode mode, InstantSource clock) {
        this.mode = mode;
        this.attempts = new FailedAttempts(clock);
        this.issuedAttempts = new FailedAttempts(clock);
        this.issued = mode.oidc().map(oidc -> new IssuedTokens(oidc, clock));
    }

    /// The token is right, but gives no role here.
    static final class NoRole extends AuthenticationException {

        @Serial private static final long serialVersionUID = 1L;

        private final String claim;

        NoRole(String claim) {
            super("no role");
            this.claim = claim;
        }

        String claim() {
            return claim;
        }
    }

    /// A request with a token in its header. Only such a request may have a token of an issuer: a
    /// session would outlive it.
    static final class Bearer extends UsernamePasswordAuthenticationToken {

        @Serial private static final long serialVersionUID = 1L;

        Bearer(String token) {
            super("", token);
        }
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

    /// A token that could not be verified is not counted as a wrong one.
    ///
    /// @throws TooManyAttempts if the token was not even looked at
    /// @throws AuthenticationServiceException if the issuer cannot be asked
    @Override
    public Authentication authenticate(Authentication given) {
        String address =
                given.getDetails() instanceof WebAuthenticationDetails details
                        ? details.getRemoteAddress()
                        : "";
        String token = String.valueOf(given.getCredentials());
        boolean isIssued =
                issued.isPresent() && given instanceof Bearer && IssuedTokens.isIssued(token);
        FailedAttempts counted = isIssued ? issuedAttempts : attempts;
        Optional<Duration> wait = counted.begin(address);
        if (wait.isPresent()) {
            throw new TooManyAttempts(wait.get());
        }
        Optional<Caller> caller;
        try {
            caller =
                    isIssued
                            ? Optional.of(verified(issued.orElseThrow(), token))
                            : mode.find(token);
        } catch (NoRole | AuthenticationServiceException notGuessed) {
            counted.succeeded(address);
            throw notGuessed;
        }
        if (caller.isEmpty()) {
            throw new BadCredentialsException("wrong token");
        }
        counted.succeeded(address);
        return authenticated(caller.get());
    }

    private static Caller verified(IssuedTokens issued, String token) {
        try {
            return issued.find(token).orElseThrow(() -> new NoRole(issued.roleClaim()));
        } catch (BadJwtException e) {
            throw new BadCredentialsException("wrong token", e);
        } catch (JwtException | JwtDecoderInitializationException e) {
            throw new AuthenticationServiceException("the issuer cannot be asked", e);
        }
    }

    static Authentication authenticated(Caller caller) {
        return UsernamePasswordAuthenticationToken.authenticated(
                caller, null, List.of(new SimpleGrantedAuthority(caller.role().name())));
    }
}
