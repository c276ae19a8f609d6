package dev.millrace.http.access;

import dev.millrace.spec.Secret;
import dev.millrace.spec.access.AccessSetting;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/// What the service asks its callers for. Immutable.
public sealed interface AccessMode {

    /// @param token of the environment; it counts only if the file has no section `access`
    static AccessMode of(AccessSetting setting, Secret token) {
        if (setting.isPresent()) {
            return new Named(setting);
        }
        return token.isPresent() ? new OneToken(hash(token.reveal())) : new Open();
    }

    /// No credential. The service listens only on a loopback address.
    record Open() implements AccessMode {}

    /// One token, which everybody has.
    ///
    /// @param hashed the hash of the token
    record OneToken(byte[] hashed) implements AccessMode {

        @Override
        public Optional<Caller> find(String token) {
            return MessageDigest.isEqual(hash(token), hashed)
                    ? Optional.of(Caller.ANYBODY)
                    : Optional.empty();
        }
    }

    /// A credential for each caller.
    record Named(AccessSetting setting) implements AccessMode {

        /// Compares with every hash, each in constant time, so that the time of the answer does not
        /// reveal a matching prefix or the place of a token.
        @Override
        public Optional<Caller> find(String token) {
            byte[] given = hash(token);
            Optional<Caller> found = Optional.empty();
            for (AccessSetting.Token each : setting.tokens()) {
                if (MessageDigest.isEqual(given, HexFormat.of().parseHex(each.hash()))) {
                    found = Optional.of(new Caller(each.name(), each.role()));
                }
            }
            return found;
        }
    }

    /// The caller with this token.
    default Optional<Caller> find(String token) {
        return Optional.empty();
    }

    default boolean needsCredential() {
        return !(this instanceof Open);
    }

    /// A token has 256 random bits, so nobody can try all of them: a slow hash with a salt, as for
    /// a password, would only delay each request.
    static byte[] hash(String token) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256.", e);
        }
    }
}
