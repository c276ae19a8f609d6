package dev.millrace.http.access;

import dev.millrace.spec.Secret;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Token;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;

/// What the service asks its callers for. Immutable.
public sealed interface AccessMode {

    /// @param token of the environment; it counts only if the file has no section `access`
    static AccessMode of(AccessSetting setting, Secret token) {
        if (setting.isPresent()) {
            return new Named(setting);
        }
        return token.isPresent() ? new OneToken(Token.hashOf(token.reveal())) : new Open();
    }

    /// No credential. The service listens only on a loopback address.
    record Open() implements AccessMode {}

    /// One token, which everybody has.
    ///
    /// @param hash of the token
    record OneToken(String hash) implements AccessMode {

        @Override
        public Optional<Caller> find(String token) {
            return isEqual(Token.hashOf(token), hash)
                    ? Optional.of(Caller.ANYBODY)
                    : Optional.empty();
        }
    }

    /// A credential for each caller.
    record Named(AccessSetting setting) implements AccessMode {

        /// Compares with every hash, so that the time of the answer does not reveal the place of a
        /// token.
        @Override
        public Optional<Caller> find(String token) {
            String given = Token.hashOf(token);
            Optional<Caller> found = Optional.empty();
            for (Token each : setting.tokens()) {
                if (isEqual(given, each.hash())) {
                    found = Optional.of(new Caller(person(each), each.name(), each.role()));
                }
            }
            return found;
        }

        /// Whom the issuer knows is the same person with a token of the file.
        private String person(Token token) {
            return setting.oidc().isPresent()
                    ? Caller.issued(token.subject().orElse(token.name()))
                    : token.name();
        }
    }

    /// The caller with this token.
    default Optional<Caller> find(String token) {
        return Optional.empty();
    }

    /// The issuer whose tokens are accepted too.
    default Optional<Oidc> oidc() {
        return this instanceof Named(AccessSetting setting) ? setting.oidc() : Optional.empty();
    }

    /// How many approvers a move of the traffic and the end of the migration need.
    default int approvals() {
        return this instanceof Named(AccessSetting setting) ? setting.approvals() : 1;
    }

    default boolean needsCredential() {
        return !(this instanceof Open);
    }

    /// In constant time, so that the time of the answer does not reveal a matching prefix.
    private static boolean isEqual(String one, String other) {
        return MessageDigest.isEqual(
                one.getBytes(StandardCharsets.US_ASCII), other.getBytes(StandardCharsets.US_ASCII));
    }
}
